// One Fastify hello: bare, with raw AsyncLocalStorage, with the plugin, with OpenTelemetry's SDK; and what a plugin cannot do
// without: a hook, a hook that hears of the response's end, a coloring that no request passes, a process that has had a context.
import { AsyncLocalStorage } from 'node:async_hooks';
import { withoutIntervals } from '../lib/held-intervals.mjs';
import { startLoad } from '../lib/load.mjs';

const WARM_UP = 8_000;
/** Of one slice. */
const REQUESTS = 4_000;
const CONNECTIONS = 32;

const parts = process.argv[2].split('+');
if (parts.includes('sdk')) await startSdk();
const { default: fastify } = await import('fastify');

const app = fastify();
if (parts.includes('als')) {
  const storage = new AsyncLocalStorage();
  app.addHook('onRequest', (request, _reply, done) =>
    storage.run({ color: request.headers['x-infr-flowtype'] }, done),
  );
}
if (parts.includes('hook')) app.addHook('onRequest', (_request, _reply, done) => done());
if (parts.includes('end')) {
  let served = 0;
  const ended = () => served++;
  app.addHook('onRequest', (_request, reply, done) => {
    reply.raw.on('close', ended);
    done();
  });
}
if (parts.includes('plugin') || parts.includes('idle')) {
  const { createColoring } = await import('@colorway/registry');
  const { memoryDirectory } = await import('@colorway/registry/memory');
  const { fastifyColoring } = await import('@colorway/http/fastify');
  const coloring = createColoring({ service: 'hello', color: '', directory: memoryDirectory() });
  if (parts.includes('plugin')) app.register(fastifyColoring, { coloring });
}
if (parts.includes('context')) await new AsyncLocalStorage().run({}, async () => {});
app.get('/', async () => ({ hello: 'world' }));

const url = await app.listen({ port: 0, host: '127.0.0.1' });
// `color` alone is the header line without anybody who reads it: parsing it is not what is compared.
const headers = parts.includes('color') || parts.includes('als') ? { 'x-infr-flowtype': 'CE_feat-cart' } : {};
const load = startLoad();
await load.send({ url, headers, requests: WARM_UP, connections: CONNECTIONS });

process.on('message', async ({ requests = REQUESTS }) => {
  const before = process.cpuUsage();
  await withoutIntervals(() => load.send({ url, headers, requests, connections: CONNECTIONS }));
  const { user, system } = process.cpuUsage(before);
  process.send({ cpu: (user + system) / requests, user: user / requests });
});
process.on('disconnect', () => {
  load.close();
  process.exit();
});
process.send({});

async function startSdk() {
  const { NodeSDK, tracing } = await import('@opentelemetry/sdk-node');
  const { HttpInstrumentation } = await import('@opentelemetry/instrumentation-http');
  new NodeSDK({
    sampler: new tracing.AlwaysOffSampler(),
    instrumentations: [new HttpInstrumentation()],
    spanProcessors: [],
    metricReaders: [],
    logRecordProcessors: [],
  }).start();
}
