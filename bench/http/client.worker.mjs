import { startHello } from '../lib/hello-server.mjs';
import { startNginx } from '../lib/nginx.mjs';
import { openClient } from './open-client.mjs';

const WARM_UP = 8_000;
const REQUESTS = 30_000;
const SEQUENTIAL = 4_000;
const CONCURRENT = 32;

const variant = process.argv[2];
const hello = await startHello();
const nginx = variant === 'nginx' ? await startNginx(hello.port) : undefined;
const client = await openClient(variant, nginx?.port ?? hello.port, CONCURRENT);

await send(WARM_UP, CONCURRENT);
const hopBefore = nginx?.cpuMicroseconds() ?? 0;
const before = process.cpuUsage();
await send(REQUESTS, CONCURRENT);
const { user, system } = process.cpuUsage(before);
const hopCpu = ((nginx?.cpuMicroseconds() ?? 0) - hopBefore) / REQUESTS;
const p50 = median(await send(SEQUENTIAL, 1));

console.log(
  JSON.stringify({ cpu: (user + system) / REQUESTS, withHop: (user + system) / REQUESTS + hopCpu, p50 }),
);
nginx?.close();
hello.close();
process.exit();

/** @returns the microseconds that each request took */
async function send(requests, concurrent) {
  const took = [];
  let sent = 0;
  await client.run(() =>
    Promise.all(
      Array.from({ length: concurrent }, async () => {
        while (sent < requests) {
          sent++;
          const start = performance.now();
          const { statusCode, body } = await client.request();
          await body.dump();
          took.push((performance.now() - start) * 1_000);
          if (statusCode !== 200) throw new Error(`status ${statusCode}`);
        }
      }),
    ),
  );
  return took;
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}
