// A Fastify service at the edge, which refuses colors and verifies signatures, and what its users notice: requests at a steady rate, `alone`,
// beside as many plain ones as an attacker sends (`harmless`), or beside the attacker (`hostile`). Prints what the users have seen.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { serviceAuth } from '@colorway/http/auth';
import { fastifyColoring } from '@colorway/http/fastify';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { request } from 'undici';
import { steadyLoad } from '../lib/steady-load.mjs';

/** Requests a second. */
const NORMAL = 150;
const OTHERS = 100;
const WARM_UP_MS = 4_000;
const MEASURED_MS = Number(process.env.MEASURED_MS ?? 30_000);

const SIZE = 15_000;
const fill = (piece) => piece.repeat(Math.floor(SIZE / piece.length));
const FLOW = 'x-infr-flowtype';
/** The dearest shapes of test/security/hostile-requests.ts. */
const HOSTILE = [
  () => [`baggage: ${fill('%78%2D=%,')}`],
  () => [`baggage: ${FLOW}=${fill('%')}`],
  () => fill(`${FLOW}: CE_a\n`).split('\n').slice(0, -1),
  () => [`cookie: ${fill(`${FLOW}=%; `)}`],
  () => [`x-colorway-wanted: ${fill('a/')}`],
  () => signature(fill('colorway=("a");created=1;keyid="d",')),
  () => signature(`colorway=(${fill('"a" ')}`),
  () => signature(proper(), `colorway=:${fill('A')}:`),
  () => ['expect: 100-continue', 'connection: Upgrade', 'upgrade: a', `baggage: ${fill(`${FLOW}=CE_a,`)}`],
];

const [, , variant, port] = process.argv;
if (variant === 'serve') await serve();
else if (variant === 'harmless' || variant === 'hostile') {
  if (port === undefined) console.log(JSON.stringify(await measure(variant)));
  else await send(variant, Number(port));
} else console.log(JSON.stringify(await measure()));
if (variant !== 'serve' && port === undefined) process.exit();

async function measure(others) {
  const script = fileURLToPath(import.meta.url);
  const server = fork(script, ['serve']);
  const [listening] = await once(server, 'message');
  const sender = others && fork(script, [others, String(listening)]);
  const took = [];
  let failed = 0;
  let isMeasured = false;
  const load = steadyLoad(NORMAL, async () => {
    const counts = isMeasured;
    const began = performance.now();
    const { statusCode, body } = await request(`http://127.0.0.1:${listening}/`);
    await body.dump();
    if (!counts) return;
    took.push(performance.now() - began);
    if (statusCode !== 200) failed++;
  });
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  isMeasured = true;
  await new Promise((resolve) => setTimeout(resolve, MEASURED_MS));
  isMeasured = false;
  await load.stop();
  sender?.kill();
  server.kill();
  took.sort((a, b) => a - b);
  return {
    p50: took[Math.floor(took.length * 0.5)],
    p99: took[Math.floor(took.length * 0.99)],
    failed: failed / took.length,
  };
}

/** In a process of its own: what it costs to attack is not the users'. */
async function send(kind, to) {
  process.on('disconnect', () => process.exit());
  steadyLoad(OTHERS, (index) => exchange(to, kind === 'hostile' ? HOSTILE[index % HOSTILE.length]() : []));
}

function exchange(to, lines) {
  return new Promise((resolve) => {
    const socket = connect(to, '127.0.0.1').on('error', () => {}); // what is refused may be broken off
    socket.on('close', resolve).resume();
    socket.end(`GET / HTTP/1.1\r\nhost: stock\r\n${['connection: close', ...lines, '', ''].join('\r\n')}`);
  });
}

function proper() {
  const covered = '"@method" "@authority" "@path" "@query" "colorway-caller"';
  return `colorway=(${covered});created=${Math.floor(Date.now() / 1_000)};keyid="default"`;
}

function signature(input, value = 'colorway=:AAAA:') {
  return [`signature-input: ${input}`, `signature: ${value}`, 'colorway-caller: "order"'];
}

async function serve() {
  const { default: fastify } = await import('fastify');
  const app = fastify();
  const auth = serviceAuth({
    secret: 'a secret of at least thirty-two bytes',
    required: false,
    replay: true,
  });
  app.register(fastifyColoring, {
    coloring: createColoring({ service: 'stock', color: '', directory: memoryDirectory() }),
    accept: 'none',
    refused: 'remove',
    sources: { query: true, cookie: true },
    auth,
  });
  app.get('/', async () => ({ hello: 'world' }));
  await app.listen({ port: 0, host: '127.0.0.1' });
  process.on('disconnect', () => process.exit());
  process.send(app.server.address().port);
}
