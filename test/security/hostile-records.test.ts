import { type ChildProcess, spawn } from 'node:child_process';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { CLAIMED_HOSTS, hostileRecords } from './hostile/hostile-records.js';
import {
  closeConnections,
  type RawRegistry,
  rawConsul,
  rawEtcd,
  rawFolder,
  rawNacos,
  rawRedis,
} from './hostile/writers.js';

/* A machine five times slower has to get through, too. */
jest.setTimeout(400_000);

const GOOD = 'good-stock';
const COUNT = 10_000;
const STATE = 1_000;
/** So many lines may one code have, whatever is in the directory: a hundred of the coloring's reporter, and of the process's. */
const MAX_LINES = 200;
const HEAP_MB = 400;

interface Report {
  readonly escaped: {
    readonly unhandled: number;
    readonly uncaught: number;
    readonly why: readonly string[];
  };
  readonly codes: Readonly<Record<string, number>>;
  readonly examples: Readonly<Record<string, string>>;
  readonly heapMb: number;
  readonly services: number;
  readonly names: readonly string[];
  readonly ageMs: number;
  readonly polluted: boolean;
}

interface Calls {
  readonly good: readonly string[];
  readonly secure: string;
  readonly outcomes: Readonly<Record<string, string>>;
  readonly outside: readonly string[];
}

/** A process of its own: what ends it is seen. */
class Service {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(kind: string, options: object, trapPort: number) {
    const loader = join(__dirname, '../../packages/registry/test/support/typescript.mjs');
    const child = join(__dirname, 'hostile/hostile-records.child.ts');
    const flags = [
      '--no-warnings',
      '--expose-gc',
      `--max-old-space-size=${HEAP_MB}`,
      '--import',
      pathToFileURL(loader).href,
    ];
    const args = [...flags, child, kind, JSON.stringify(options), GOOD, String(trapPort)];
    this.#process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.#process.stdout as NonNullable<ChildProcess['stdout']> });
    this.#answers = lines[Symbol.asyncIterator]();
  }

  readonly do = async <T>(...job: readonly (string | number)[]): Promise<T> => {
    this.#process.stdin?.write(`${job.join(' ')}\n`);
    const { value: line, done } = await this.#answers.next();
    if (done) throw new Error(`The process ended while it was to do: ${job.join(' ')}.`);
    const { value, error } = JSON.parse(line) as { value?: T; error?: string };
    if (error !== undefined) throw new Error(error);
    return value as T;
  };

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** One service that is good, and one address that nothing may connect to. */
let web: Awaited<ReturnType<typeof openServers>>;
beforeAll(async () => {
  web = await openServers();
});
afterAll(() => {
  web.close();
  closeConnections();
});

async function openServers() {
  const caught: number[] = [];
  const trap = createServer((socket) => {
    caught.push(socket.remotePort ?? 0);
    socket.destroy();
  });
  const good = createHttpServer((_, response) => response.end('good'));
  const [trapPort, port] = [await listen(trap), await listen(good)];
  const close = (): void => {
    good.closeAllConnections();
    for (const server of [trap, good]) server.close();
  };
  return { caught, trapPort, port, close, records: hostileRecords(COUNT, { good: GOOD, trapPort }) };
}

interface Subject {
  readonly kind: string;
  readonly registry?: () => RawRegistry | Promise<RawRegistry>;
  /** At least so many of them the registry must have taken, for the test to say anything. */
  readonly atLeast: number;
}

async function survives({ kind, registry, atLeast }: Subject): Promise<void> {
  const { caught, trapPort, port, records } = web;
  const raw = await registry?.();
  const half = COUNT / 2;
  let service: Service | undefined;
  try {
    // Half of them are there before the process looks, and half come while it does.
    let stood = (await raw?.write(records.slice(0, half))) ?? 0;
    service = new Service(kind, raw?.options ?? {}, trapPort);
    const { do: ask } = service;
    const register = (name: string) => raw?.register(name, port) ?? ask('register', name, port);
    if (raw === undefined) stood += await ask<number>('write', 0, half);
    await register(GOOD);
    await ask('seen', GOOD);
    stood += await (raw?.write(records.slice(half)) ?? ask<number>('write', half, COUNT));
    await ask('writeState', STATE);
    await register('last-stock');
    await ask('seen', 'last-stock');

    const calls = await ask<Calls>('calls');
    const state = await ask('state');
    expect(state).toEqual({ isShown: true, listed: 1, deleted: true });
    const report = await ask<Report>('report');
    expect({ stood, state, report }).toMatchObject({
      report: { escaped: { unhandled: 0, uncaught: 0, why: [] }, names: [], polluted: false },
    });
    expect(stood).toBeGreaterThanOrEqual(atLeast);
    expect(calls.good).toEqual(['good', 'good']);
    expect(calls.secure).toBe('COLORWAY_INSTANCE_NOT_SECURE');
    for (const outcome of Object.values(calls.outcomes)) expect(outcome).toMatch(/outside|fetch failed/);
    for (const host of CLAIMED_HOSTS)
      expect(calls.outside).toContain(`https://${new URL(`http://${host}`).host}`);
    expect(caught).toEqual([]);
    expect(report.codes.COLORWAY_INSTANCE_UNUSABLE).toBeGreaterThan(0);
    for (const [code, lines] of Object.entries(report.codes))
      expect([code, Math.min(lines, MAX_LINES)]).toEqual([code, lines]);
    for (const code of ['COLORWAY_DIRECTORY_FAILED', 'COLORWAY_CALLBACK_FAILED', 'COLORWAY_INTERNAL'])
      expect([code, report.examples[code]]).toEqual([code, undefined]);
    expect(report.heapMb).toBeLessThan(HEAP_MB / 2);
    await ask('close');
  } finally {
    service?.kill();
    await raw?.clear();
  }
}

it('10,000 hostile records in memory end no process, take over no host, and hide no good service', () =>
  survives({ kind: 'memory', atLeast: 9_000 }));

it('10,000 hostile records in a folder end no process, take over no host, and hide no good service', () =>
  survives({ kind: 'folder', atLeast: 8_000, registry: rawFolder }));

describeWithServers(['etcd'], 'etcd', (servers) => {
  it('10,000 hostile records end no process, take over no host, and hide no good service', () =>
    survives({ kind: 'etcd', atLeast: 9_000, registry: () => rawEtcd(servers.etcd.url) }));
});

describeWithServers(['redis'], 'Redis', (servers) => {
  it('10,000 hostile records end no process, take over no host, and hide no good service', () =>
    survives({ kind: 'redis', atLeast: 9_000, registry: () => rawRedis(servers.redis.url) }));
});

/* A server of its own: the services of a Consul are everybody's, and these are nothing for others. */
describeWithServers(
  ['consul'],
  'Consul',
  (servers) => {
    it('10,000 hostile records end no process, take over no host, and hide no good service', () =>
      survives({
        kind: 'consul',

        atLeast: 4_000,
        registry: () => rawConsul(servers.consul.url),
      }));
  },
  { own: true },
);

describeWithServers(['nacos'], 'Nacos', (servers) => {
  it('10,000 hostile records end no process, take over no host, and hide no good service', () =>
    survives({ kind: 'nacos', atLeast: 1_000, registry: () => rawNacos(servers.nacos.url) }));
});
