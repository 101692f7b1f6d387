import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { auth, SECRET, send, signed } from '../../packages/http/test/auth/signed-request.js';
import { hostileRequests } from './hostile-requests.js';

jest.setTimeout(600_000);

const LOADER = pathToFileURL(join(__dirname, '../../packages/registry/test/support/typescript.mjs')).href;
const REQUESTS = 10_000;
const WARM_UP = 2_000;
const AT_ONCE = 16;
/** Longer than any answer takes that comes at all. */
const HUNG_MS = 60_000;
/** What frameworks answer by themselves is about 200 bytes; twenty requests in a row have twenty answers. */
const MOST_BYTES = 20 * 512;
/** Over ten thousand requests: less than 200 bytes of each stay. */
const MOST_HEAP = 2_000_000;

const SWEEP = /^state\.list "(?:env|sub|pulse)\/"$/;

interface Counted {
  readonly heap: number;
  readonly open: number;
  readonly inFlight: number;
  readonly asked: readonly string[];
  readonly served: number;
  readonly colored: number;
}

/** Servers in a process of their own. */
class Servers {
  readonly ports: readonly number[];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ports: readonly number[]) {
    this.#child = child;
    this.ports = ports;
  }

  static async start(framework: string): Promise<Servers> {
    const child = fork(join(__dirname, 'fixtures/hostile.child.ts'), [framework, SECRET], {
      execArgv: ['--expose-gc', '--import', LOADER],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    const { ports } = (await answerOf(child)) as { ports: readonly number[] };
    return new Servers(child, ports);
  }

  /** What came since it was asked last. The sweep, once in a while whoever calls, is left out. */
  async count(): Promise<Counted> {
    const answer = answerOf(this.#child);
    this.#child.send({});
    const counted = (await answer) as Counted;
    return { ...counted, asked: counted.asked.filter((call) => !SWEEP.test(call)) };
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const end = new AbortController();
  const early = once(child, 'exit', { signal: end.signal }).then(([status]) => {
    throw new Error(`the servers' process ended with ${status}: see above`);
  });
  early.catch(() => {}); // aborted below
  const [answer] = await Promise.race([once(child, 'message'), early]);
  end.abort();
  return answer;
}

/** Sends bytes, and tells what came back until the connection was over. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1')
      .setEncoding('latin1')
      .on('data', (chunk) => {
        text += chunk;
      })
      .on('error', () => {}) // what is refused may be broken off
      .on('close', () => resolve(text))
      .setTimeout(HUNG_MS, () => {
        text = 'hung';
        socket.destroy();
      });
    socket.end(bytes, 'latin1');
  });
}

/** What all answers of one shape have come to. */
interface Outcome {
  most: number;
  readonly statuses: Set<string>;
}

async function attack(ports: readonly number[], count: number): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const requests = hostileRequests(count);
  let sent = 0;
  const one = async (): Promise<void> => {
    for (const [name, bytes] of requests) {
      const mode = sent++ % ports.length;
      const text = await exchange(ports[mode] as number, bytes);
      const key = `${mode === 0 ? 'accept none' : 'auth'}: ${name}`;
      const outcome = outcomes.get(key) ?? { most: 0, statuses: new Set() };
      outcomes.set(key, outcome);
      outcome.most = Math.max(outcome.most, text.length);
      for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3})/g)) outcome.statuses.add(status as string);
      if (text === 'hung') outcome.statuses.add(text);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return outcomes;
}

const statuses = (outcomes: Map<string, Outcome>, pattern: RegExp, mode = '') =>
  [...outcomes].filter(
    ([name, { statuses }]) => name.startsWith(mode) && [...statuses].some((status) => pattern.test(status)),
  );

const FLOW = 'x-infr-flowtype';
const fill = (piece: string, size = 15_000) => piece.repeat(size / piece.length);

/** What somebody may send over HTTP/2, where a head has no lines that a parser joins. */
const HTTP2: readonly ((index: number) => OutgoingHttpHeaders)[] = [
  (index) => ({ [FLOW]: `CE_c-${index}`, baggage: `${FLOW}=CE_b-${index}` }),
  () => ({ baggage: fill(`${FLOW}=%,`) }),
  () => ({ baggage: fill('%') }),
  () => ({ [FLOW]: Array.from({ length: 300 }, () => 'CE_a') }),
  () => ({ baggage: Array.from({ length: 300 }, (_, at) => `k${at}=v,${FLOW}=CE_a`) }),
  () => ({ cookie: fill(`${FLOW}=%; `) }),
  () => ({ ':path': `/?${fill(`${FLOW}=%&`)}` }),
  () => ({ ':path': '*', ':method': 'OPTIONS' }),
  () => ({ ':authority': 'stock', host: 'price' }),
  () => ({ ':authority': fill(':1', 8_000) }),
  () => ({ ':authority': '[::1' }),
  () => ({ 'x-colorway-wanted': fill('a/') }),
  (index) => ({ 'x-colorway-wanted': `price-${index}/c` }),
  () => ({ 'signature-input': fill('colorway=("a");created=1;keyid="d",'), signature: 'colorway=:AA:' }),
  () => ({ 'signature-input': `colorway=(${fill('"a" ')}`, signature: fill(':,') }),
  () => ({ ':method': 'POST', expect: '100-continue', [FLOW]: 'CE_a' }),
  () => Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`h${at}`, 'x'])),
];

async function attackHttp2(ports: readonly number[], count: number): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const open = (port: number) => connectHttp2(`http://127.0.0.1:${port}`).on('error', () => {}); // a session that is refused is made anew
  const sessions = ports.map(open);
  let sent = 0;
  const one = async (): Promise<void> => {
    while (sent < count) {
      const index = sent++;
      const mode = index % 2;
      const port = ports[mode] as number;
      if (sessions[mode]?.destroyed || sessions[mode]?.closed) sessions[mode] = open(port);
      const shape = (index >> 1) % HTTP2.length;
      const headers = { ':authority': 'stock', ...HTTP2[shape]?.(index) };
      const answer = await exchangeHttp2(sessions[mode] as ClientHttp2Session, headers);
      const key = `${mode === 0 ? 'accept none' : 'auth'}: shape ${shape}`;
      const outcome = outcomes.get(key) ?? { most: 0, statuses: new Set() };
      outcomes.set(key, outcome);
      outcome.most = Math.max(outcome.most, answer.bytes);
      outcome.statuses.add(answer.status);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  await Promise.all(
    sessions.map((session) => new Promise<void>((resolve) => session.close(() => resolve()))),
  );
  return outcomes;
}

function exchangeHttp2(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
): Promise<{ readonly status: string; readonly bytes: number }> {
  return new Promise((resolve) => {
    let [status, bytes] = ['refused', 0];
    const stream = session.request(headers, { endStream: true });
    stream
      .on('response', (head) => {
        status = String(head[':status']);
      })
      .on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      })
      .on('error', () => {}) // what is refused may be broken off
      .on('close', () => resolve({ status, bytes }))
      .setTimeout(HUNG_MS, () => {
        status = 'hung';
        stream.close();
      });
  });
}

it('hostile requests over HTTP/2 come to nothing either', async () => {
  const servers = await Servers.start('http2');
  try {
    await attackHttp2(servers.ports, WARM_UP);
    const before = await servers.count();
    const outcomes = await attackHttp2(servers.ports, 3_000);
    const after = await servers.count();
    expect(servers.isAlive).toBe(true);
    expect(statuses(outcomes, /hung|^5/)).toEqual([]);
    expect(statuses(outcomes, /^[23]/, 'auth')).toEqual([]);
    expect(statuses(outcomes, /^200/, 'accept none').length).toBeGreaterThan(10);
    expect([...outcomes].filter(([, { most }]) => most > 512)).toEqual([]);
    expect({ asked: after.asked, colored: after.colored }).toEqual({ asked: [], colored: 0 });
    expect({ open: after.open, inFlight: after.inFlight }).toEqual({ open: 0, inFlight: 0 });
    expect(after.heap - before.heap).toBeLessThan(MOST_HEAP);
  } finally {
    await servers.stop();
  }
});

describe.each(['express', 'fastify', 'node'])(
  'ten thousand hostile requests: what they come to on %s',
  (framework) => {
    let servers: Servers;
    beforeAll(async () => {
      servers = await Servers.start(framework);
    });
    afterAll(() => servers?.stop());

    it('no crash, nothing that hangs, no question to the directory, a flat heap, short answers', async () => {
      const [open, guarded] = servers.ports as [number, number];
      const signing = auth({ secret: SECRET, replay: true });
      await attack(servers.ports, WARM_UP);
      const before = await servers.count();
      const outcomes = await attack(servers.ports, REQUESTS);
      const after = await servers.count();

      expect(servers.isAlive).toBe(true);
      expect(statuses(outcomes, /hung/)).toEqual([]);
      expect(statuses(outcomes, /^5(?!05)/)).toEqual([]);
      expect(statuses(outcomes, /^[23]|101/, 'auth')).toEqual([]);
      expect(statuses(outcomes, /^200/, 'accept none').length).toBeGreaterThan(30);
      expect([...outcomes].filter(([, { most }]) => most > MOST_BYTES)).toEqual([]);
      expect({ asked: after.asked, colored: after.colored }).toEqual({ asked: [], colored: 0 });
      expect({ open: after.open, inFlight: after.inFlight }).toEqual({ open: 0, inFlight: 0 });
      expect(after.served).toBeGreaterThan(0);
      expect(after.heap - before.heap).toBeLessThan(MOST_HEAP);

      expect((await send(open, '/', { host: 'stock' })).status).toBe(200);
      expect((await send(guarded, '/', signed(signing, {}, '/'))).status).toBe(200);
      expect((await send(guarded, '/', { host: 'stock' })).status).toBe(401);
    });
  },
);
