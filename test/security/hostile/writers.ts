import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import type { HostileRecord } from './hostile-records.js';

/** A registry as somebody with raw access to it sees it: no adapter of ours stands in between. */
export interface RawRegistry {
  /** What the options of our adapter are, for a process that uses the registry. */
  readonly options: Readonly<Record<string, unknown>>;
  /** How many of them stood: registries refuse some. */
  write(records: readonly HostileRecord[]): Promise<number>;
  /** Writes one record as a client in another language would. */
  register(service: string, port: number): Promise<void>;
  clear(): Promise<void>;
}

/** So many requests are under way at once. */
const PARALLEL = 24;
/** A server that others use, too, may take its time; that is no failure here. */
const PATIENCE_MS = 60_000;

export function rawEtcd(url: string): RawRegistry {
  const prefix = `hostile-${randomUUID()}/`;
  const at = (key: string | Buffer): string =>
    Buffer.concat([Buffer.from(`${prefix}instances/`), Buffer.from(key)]).toString('base64');
  const put = (key: string, value: string) => ({
    request_put: { key, value: Buffer.from(value).toString('base64') },
  });
  const call = (path: string, body: object) => exchange('POST', `${url}/v3/kv/${path}`, JSON.stringify(body));
  return {
    options: { url, prefix, checkMs: 500, timeoutMs: PATIENCE_MS },
    async write(records) {
      // Keys are bytes: those of some clients are no text.
      const binary = [0x80, 0x81, 0xfe, 0xff].map((byte) =>
        put(at(Buffer.from([byte])), '{"service":"bytes","host":"a","port":1}'),
      );
      const puts = [
        ...new Map(records.map(({ id, text }) => [at(id), put(at(id), text)])).values(),
        ...binary,
      ];
      let stood = 0;
      // A transaction has 128 operations, and a request 1.5 MiB, at most.
      for (const part of parts(puts, 100, 1_000_000)) {
        const { status } = await call('txn', { success: part });
        if (status === 200) stood += part.length;
      }
      return stood;
    },
    async register(service, port) {
      const value = JSON.stringify({ service, host: '127.0.0.1', port, metadata: {}, startedAt: 1 });
      await must(call('txn', { success: [put(at(service), value)] }));
    },
    async clear() {
      const end = `${prefix.slice(0, -1)}0`;
      const range = {
        key: Buffer.from(prefix).toString('base64'),
        range_end: Buffer.from(end).toString('base64'),
      };
      await must(call('deleterange', range));
    },
  };
}

export function rawRedis(url: string): RawRegistry {
  const prefix = `hostile-${randomUUID()}`;
  const [hash, leases, channel] = ['instances', 'leases', 'changes:0'].map(
    (name) => `{${prefix}}:${name}`,
  ) as [string, string, string];
  const using = async <T>(
    work: (send: (...command: string[]) => Promise<unknown>) => Promise<T>,
  ): Promise<T> => {
    const client = createClient({ url });
    client.on('error', () => {});
    await client.connect();
    try {
      return await work((...command) => client.sendCommand(command));
    } finally {
      client.destroy();
    }
  };
  return {
    options: { url, prefix, pollMs: 500, timeoutMs: PATIENCE_MS },
    write: (records) =>
      using(async (send) => {
        for (const part of parts(records, 500, 4_000_000)) {
          const pairs = part.flatMap(({ id, text }, index) => [
            id,
            index % 50 === 0 ? text : `60000:${text}`,
          ]);
          await send('HSET', hash, ...pairs);
          // Nobody holds to how changes are told.
          for (const [index, { id }] of part.entries())
            if (index % 5 === 0)
              await send('PUBLISH', channel, ODD_MESSAGES[index % ODD_MESSAGES.length]?.(id) ?? '');
        }
        // A name that stands in the index of the state alone, and a value without a version.
        await send('ZADD', `{${prefix}}:state-keys`, '0', 'CE_ghost/red', '0', 'env/ghost', '0', 'env/torn');
        await send('HSET', `{${prefix}}:state`, 'env/torn', 'torn');
        return records.length;
      }),
    register: (service, port) =>
      using(async (send) => {
        const record = { id: service, service, host: '127.0.0.1', port, metadata: {}, startedAt: 1 };
        await send('HSET', hash, service, `600000:${JSON.stringify(record)}`);
        await send('ZADD', leases, String(Date.now() + 600_000), service);
        const revision = await send('HINCRBY', `{${prefix}}:meta`, 'revision', '1');
        await send('PUBLISH', channel, `${revision} p ${service}`);
      }),
    clear: () =>
      using(async (send) => {
        for (const name of ['state', 'state-keys', 'instances', 'leases', 'meta'])
          await send('DEL', `{${prefix}}:${name}`);
      }),
  };
}

const ODD_MESSAGES: readonly ((id: string) => string)[] = [
  (id) => `1 p ${id}`,
  (id) => `99999999999999999999 l ${id}`,
  (id) => `x p ${id}`,
  (id) => id,
  () => '',
];

/** In files, as any process of this machine can write them. */
export async function rawFolder(): Promise<RawRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'colorway-hostile-'));
  const instances = join(folder, 'instances');
  await mkdir(instances, { recursive: true });
  const nameOf = (id: string): string => {
    const digest = createHash('sha256').update(id).digest('hex').slice(0, 24);
    return `${id.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 100)}.${digest}.json`;
  };
  const write = (id: string, text: string) => writeFile(join(instances, nameOf(id)), text);
  return {
    options: { folder, pollMs: 3_000 },
    async write(records) {
      await inParallel(records, ({ id, text }, index) =>
        write(
          id,
          index % 50 === 0 ? text : `{"leaseMs":${LEASES[index % LEASES.length]},"instance":${text}}`,
        ),
      );
      // What is no file at all.
      await mkdir(join(instances, 'folder.json'), { recursive: true });
      for (const [name, target] of [
        ['loop.json', 'loop.json'],
        ['gone.json', 'nowhere'],
        ['endless.json', '/dev/zero'],
      ] as const)
        await symlink(target, join(instances, name)).catch(() => {});
      await writeFile(
        Buffer.concat([Buffer.from(`${instances}/`), Buffer.from([0xff]), Buffer.from('.json')]),
        '{}',
      ).catch(() => {});
      return new Set(records.map(({ id }) => nameOf(id))).size;
    },
    register: (service, port) =>
      write(
        service,
        JSON.stringify({
          leaseMs: 600_000,
          instance: { id: service, service, host: '127.0.0.1', port, metadata: {}, startedAt: 1 },
        }),
      ),
    clear: () => rm(folder, { recursive: true, force: true }),
  };
}

const LEASES: readonly unknown[] = [600_000, 600_000, 600_000, 1e300, -1, '"5"', 'null'];

/** By `/v1/txn`, which puts services into the catalog without an agent's checks. */
export function rawConsul(url: string): RawRegistry {
  const node = `hostile-${randomUUID()}`;
  const call = (path: string, body: unknown) => exchange('PUT', `${url}/v1/${path}`, JSON.stringify(body));
  const operation = (service: object) => ({ Service: { Verb: 'set', Node: node, Service: service } });
  const begin = async (): Promise<void> => {
    await must(call('catalog/register', { Node: node, Address: '127.0.0.1' }));
  };
  return {
    options: { url, waitMs: 2_000, timeoutMs: PATIENCE_MS },
    async write(records) {
      await begin();
      const operations = records.flatMap(({ id, fields }, index) =>
        fields === undefined ? [] : [operation(consulService(id, fields, index))],
      );
      let stood = 0;
      // One that Consul refuses takes its whole transaction with it: the rest is written by itself.
      await inParallel(parts(operations, 60, 400_000), async (part) => {
        if ((await call('txn', part)).status === 200) stood += part.length;
        else for (const one of part) if ((await call('txn', [one])).status === 200) stood++;
      });
      return stood;
    },
    async register(service, port) {
      await begin();
      await must(
        call('txn', [operation({ ID: service, Service: service, Address: '127.0.0.1', Port: port })]),
      );
    },
    async clear() {
      await must(call('catalog/deregister', { Node: node }));
    },
  };
}

/** As our own adapter writes it, so that what it says of ids, starts and weights is believed; others as any other client does. */
function consulService(id: string, fields: Readonly<Record<string, unknown>>, index: number): object {
  const { service, host, port, weight, secure, startedAt, metadata } = fields;
  const pairs = typeof metadata === 'object' && metadata !== null ? Object.entries(metadata) : [];
  const meta = Object.fromEntries(
    pairs.slice(0, 60).map(([key, value]) => [key, String(JSON.stringify(value))]),
  );
  const own = {
    'colorway-started-at': String(JSON.stringify(startedAt)),
    ...(weight === undefined ? {} : { 'colorway-weight': String(JSON.stringify(weight)) }),
    'colorway-more-0': Buffer.from(
      JSON.stringify({ id: String(fields.id).slice(0, 60), metadata: { COLORING_ENV: 'x\n' } }),
    )
      .toString('base64url')
      .slice(0, 500),
    ...(secure === undefined ? {} : { secure: String(JSON.stringify(secure)) }),
  };
  return {
    ID: `${id.slice(0, 100)}-${index}`,
    Service: typeof service === 'string' ? service : String(JSON.stringify(service)),
    Address: host,
    Port: port,
    Meta: Math.floor(index / 2) % 3 === 0 ? { ...meta, ...own } : meta,
    Tags: [
      String(JSON.stringify(host)).slice(0, 200),
      ...(index % 8 === 0 ? [`COLORING_ENV=${String(JSON.stringify(service)).slice(0, 50)}`] : []),
    ],
    Weights: { Passing: weight ?? 1, Warning: 1 },
  };
}

/** By the Open API, in a namespace of its own; not ephemeral, so that no heartbeat is missed. */
export function rawNacos(url: string): RawRegistry {
  const namespace = randomUUID();
  const register = (fields: Readonly<Record<string, string>>) =>
    exchange(
      'POST',
      `${url}/nacos/v1/ns/instance?${new URLSearchParams({ namespaceId: namespace, ...fields })}`,
    );
  return {
    options: { url, namespace, listMs: 500, timeoutMs: PATIENCE_MS },
    async write(records) {
      let stood = 0;
      await inParallel(records, async ({ fields }) => {
        if (fields === undefined) return;
        const { service, host, port, weight, metadata, ...own } = fields;
        const texts = typeof metadata === 'object' && metadata !== null ? metadata : {};
        const { status } = await register({
          serviceName: textOf(service),
          ip: textOf(host),
          port: textOf(port),
          weight: textOf(weight ?? 1),
          metadata: JSON.stringify({ ...texts, COLORWAY_INSTANCE: JSON.stringify(own) }).slice(0, 20_000),
        });
        if (status === 200) stood++;
      });
      return stood;
    },
    async register(service, port) {
      await must(register({ serviceName: service, ip: '127.0.0.1', port: String(port) }));
    },
    // What is not heard of goes by itself; the namespace is this test's alone.
    clear: async () => {},
  };
}

function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, 2_000);
}

/** In order, so many at most, and so large together at most. */
function parts<T>(all: readonly T[], count: number, length: number): T[][] {
  const found: T[][] = [];
  let room = 0;
  for (const one of all) {
    const size = JSON.stringify(one).length;
    const last = found.at(-1);
    if (last === undefined || last.length >= count || size > room) {
      found.push([one]);
      room = length - size;
    } else {
      last.push(one);
      room -= size;
    }
  }
  return found;
}

async function inParallel<T>(
  all: readonly T[],
  work: (one: T, index: number) => Promise<unknown>,
): Promise<void> {
  const rest = all.entries();
  const worker = async () => {
    for (const [index, one] of rest) await work(one, index);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL });

/** Not `fetch`: it would read the URL once more, and change it. */
function exchange(
  method: string,
  url: string,
  body = '',
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function must(answer: Promise<{ readonly status: number; readonly text: string }>): Promise<void> {
  const { status, text } = await answer;
  if (status !== 200) throw new Error(`the registry answered ${status}: ${text.slice(0, 500)}`);
}

/** Connections that are kept would keep the process. */
export function closeConnections(): void {
  agent.destroy();
}
