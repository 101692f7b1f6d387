// A client of "stock" whose uncolored calls come at a steady rate. `troubled`: an environment beside them is broken, and one
// more instance, which has answered until then, hangs. Prints what the uncolored calls have seen.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { withColor } from '@colorway/core';
import { coloredDispatcher } from '@colorway/http/undici';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { request } from 'undici';
import { steadyLoad } from '../lib/steady-load.mjs';

const HEALTHY = 4;
/** Calls a second. */
const UNCOLORED = 150;
const COLORED = 30;
const ANSWER_MS = 20;
const DEADLINE_MS = 1_000;
const WARM_UP_MS = 4_000;
const MEASURED_MS = 40_000;
/** What stands behind an instance in the broken environment is away, or hangs. */
const BROKEN = ['/bad-gateway', '/hang'];

if (process.argv[2] === 'serve') await serve(Number(process.argv[3]));
else {
  console.log(JSON.stringify(await measure(process.argv[2] === 'troubled')));
  process.exit();
}

async function measure(isTroubled) {
  const directory = memoryDirectory();
  const instances = isTroubled ? HEALTHY + 1 : HEALTHY;
  const servers = fork(fileURLToPath(import.meta.url), ['serve', String(instances)]);
  const [ports] = await once(servers, 'message');
  for (const port of ports) {
    const id = `stock-${port}`;
    await directory.instances.register(
      { id, service: 'stock', host: '127.0.0.1', port, metadata: {}, startedAt: 0 },
      3_600_000,
    );
  }
  const coloring = createColoring({ service: 'bench', color: '', directory });
  await coloring.answeredView();
  const dispatcher = coloredDispatcher(coloring);
  const call = async (path) => {
    const options = { dispatcher, headersTimeout: DEADLINE_MS, signal: AbortSignal.timeout(DEADLINE_MS) };
    const { statusCode, body } = await request(`http://stock${path}`, options);
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    return text;
  };
  const measured = { took: [], answers: new Map(), failed: 0 };
  let isMeasured = false;
  const uncolored = steadyLoad(UNCOLORED, async () => {
    const counts = isMeasured;
    const began = performance.now();
    const who = await call('/').catch(() => undefined);
    if (!counts) return;
    measured.took.push(performance.now() - began);
    if (who === undefined) measured.failed++;
    else measured.answers.set(who, (measured.answers.get(who) ?? 0) + 1);
  });
  /* The same colored calls without trouble: they are no part of it, and cost processor time. */
  const colored = steadyLoad(COLORED, (index) =>
    withColor('red', () => call(isTroubled && isMeasured ? BROKEN[index % BROKEN.length] : '/')),
  );
  await pause(WARM_UP_MS);
  const hanging = isTroubled ? ports.at(-1) : undefined;
  servers.send({ hanging });
  isMeasured = true;
  await pause(MEASURED_MS);
  isMeasured = false;
  await Promise.all([uncolored.stop(), colored.stop()]);
  servers.kill();
  return summary(measured, hanging);
}

function summary({ took, answers, failed }, hanging) {
  const counts = [...answers].filter(([who]) => who !== String(hanging)).map(([, count]) => count);
  while (counts.length < HEALTHY) counts.push(0);
  const mean = counts.reduce((sum, count) => sum + count, 0) / HEALTHY;
  took.sort((a, b) => a - b);
  return {
    p50: took[Math.floor(took.length * 0.5)],
    p99: took[Math.floor(took.length * 0.99)],
    /** How far the instance with the most or the fewest calls is from an even share. */
    spread: Math.max(...counts.map((count) => Math.abs(count / mean - 1))),
    failed: failed / took.length,
  };
}

/** All instances in one process: what stalls one of them stalls all. */
async function serve(instances) {
  let hanging;
  const ports = [];
  for (let one = 0; one < instances; one++) {
    const server = createServer(({ url }, response) => {
      const { port } = server.address();
      if (port === hanging || url === '/hang') return;
      setTimeout(() => {
        response.writeHead(url === '/bad-gateway' ? 502 : 200).end(String(port));
      }, ANSWER_MS);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    ports.push(server.address().port);
  }
  process.on('message', (told) => {
    hanging = told.hanging;
  });
  process.on('disconnect', () => process.exit());
  process.send(ports);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
