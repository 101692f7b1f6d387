import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** jest's module registry goes past the hooks of auto-instrumentation, so each case is a process of its own. */
interface Seen {
  handler?: string;
  later?: string;
  data?: string;
  end?: string;
  finish?: string;
  user?: string;
  traceId?: string;
  laterTraceId?: string;
  endTraceId?: string;
  removedListenerRan?: boolean;
  outgoing: string;
  warnings: { code?: string; message: string }[];
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function start(options: object): Promise<(headers?: string[]) => Promise<Seen>> {
  const child = fork(join(__dirname, 'fixtures', 'service.mjs'), [JSON.stringify(options)], {
    env: {
      ...process.env,
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    },
    execArgv: [],
  });
  children.push(child);
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`the service ended with ${code}`);
  });
  exited.catch(() => {});
  await Promise.race([once(child, 'message'), exited]);
  return async (headers) => {
    child.send({ headers });
    const [seen] = (await Promise.race([once(child, 'message'), exited])) as [Seen];
    return seen;
  };
}

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `traceparent: 00-${TRACE_ID}-00f067aa0ba902b7-01`;
const HEADER = 'x-infr-flowtype: CE_red';
const MEMBER = 'baggage: user=7,x-infr-flowtype=CE_red';

const header = (outgoing: string, name: string) =>
  outgoing
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 1).trim());

const members = (outgoing: string) =>
  header(outgoing, 'baggage')
    .flatMap((line) => line.split(','))
    .sort();

const HOSTS = ['node', 'express', 'fastify'] as const;
const reads = (host: string) => host !== 'fastify';

jest.setTimeout(30_000);

describe.each(HOSTS)('with OpenTelemetry: %s', (host) => {
  it.each(['before', 'after'] as const)('the SDK started %s setupContext', async (sdk) => {
    const ask = await start({ sdk, host });

    const byBaggage = await ask([TRACEPARENT, MEMBER]);
    expect(byBaggage).toMatchObject({ handler: 'red', later: 'red', finish: 'red', user: '7', warnings: [] });
    expect(byBaggage).toMatchObject({ traceId: TRACE_ID, laterTraceId: TRACE_ID });
    expect(members(byBaggage.outgoing)).toEqual(['user=7', 'x-infr-flowtype=CE_red']);
    expect(header(byBaggage.outgoing, 'traceparent')[0]).toContain(TRACE_ID);

    // In the flow header alone: nothing that OpenTelemetry reads, and it travels on in baggage.
    const byHeader = await ask([TRACEPARENT, HEADER, 'baggage: user=7']);
    expect(byHeader).toMatchObject({
      handler: 'red',
      later: 'red',
      finish: 'red',
      user: '7',
      laterTraceId: TRACE_ID,
    });
    if (reads(host)) {
      expect(byHeader).toMatchObject({ data: 'red', end: 'red', endTraceId: TRACE_ID });
      expect(byHeader.removedListenerRan).toBeUndefined();
    }
    expect(members(byHeader.outgoing)).toEqual(['user=7', 'x-infr-flowtype=CE_red']);

    const uncolored = await ask([TRACEPARENT, 'baggage: user=7']);
    expect(uncolored.later).toBeUndefined();
    expect(uncolored).toMatchObject({ user: '7', laterTraceId: TRACE_ID });
    expect(members(uncolored.outgoing)).toEqual(['user=7']);
  });

  it('a color that the policy refuses is taken out of what the instrumentation extracted', async () => {
    const ask = await start({ sdk: 'before', host, accept: 'none' });
    const seen = await ask([TRACEPARENT, HEADER, MEMBER]);
    for (const where of ['handler', 'later', 'data', 'end', 'finish'] as const)
      expect(seen[where]).toBeUndefined();
    expect(seen).toMatchObject({ user: '7', traceId: TRACE_ID, laterTraceId: TRACE_ID });
    expect(members(seen.outgoing)).toEqual(['user=7']);
  });

  it('without an SDK', async () => {
    const ask = await start({ sdk: 'none', host });
    const seen = await ask([TRACEPARENT, HEADER, 'baggage: user=7']);
    expect(seen).toMatchObject({ handler: 'red', later: 'red', finish: 'red', user: '7', warnings: [] });
    if (reads(host)) expect(seen).toMatchObject({ data: 'red', end: 'red' });
    expect((await ask([])).handler).toBeUndefined();
  });
});

it('an SDK that starts after the first colored request works on our context manager', async () => {
  const ask = await start({ sdk: 'late', host: 'node' });
  expect(await ask([HEADER])).toMatchObject({ handler: 'red', later: 'red' });
  await ask();
  const seen = await ask([TRACEPARENT, HEADER, 'baggage: user=7']);
  expect(seen).toMatchObject({
    handler: 'red',
    later: 'red',
    data: 'red',
    end: 'red',
    finish: 'red',
    user: '7',
  });
});
