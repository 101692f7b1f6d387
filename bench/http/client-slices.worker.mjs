// A client that sends a slice of requests whenever it is asked.
import { withoutIntervals } from '../lib/held-intervals.mjs';
import { startHello } from '../lib/hello-server.mjs';
import { openClient } from './open-client.mjs';

const WARM_UP = 15_000;
const CONCURRENT = 32;

const hello = await startHello();
const client = await openClient(process.argv[2], hello.port, CONCURRENT);
await send(WARM_UP);

process.on('message', async ({ requests = 1_500 }) => {
  const before = process.cpuUsage();
  await withoutIntervals(() => send(requests));
  const { user, system } = process.cpuUsage(before);
  process.send({ cpu: (user + system) / requests, user: user / requests });
});
process.on('disconnect', () => {
  hello.close();
  process.exit();
});
process.send({});

async function send(requests) {
  let sent = 0;
  await client.run(() =>
    Promise.all(
      Array.from({ length: CONCURRENT }, async () => {
        while (sent < requests) {
          sent++;
          const { statusCode, body } = await client.request();
          await body.dump();
          if (statusCode !== 200) throw new Error(`status ${statusCode}`);
        }
      }),
    ),
  );
}
