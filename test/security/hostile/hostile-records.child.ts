// A service among hostile records: `hostile-records.child.ts <kind> <options of the directory as JSON> <good service>`.
// It does as it is told on standard input, a line each, and answers with a line of JSON.
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import type { Directory } from '@colorway/core';
import { coloredAgent } from '@colorway/http/agent';
import { coloredFetch } from '@colorway/http/fetch';
import { composeDirectory, createColoring } from '@colorway/registry';
import { consulDirectory } from '@colorway/registry/consul';
import { etcdDirectory } from '@colorway/registry/etcd';
import { fileDirectory } from '@colorway/registry/file';
import { memoryDirectory } from '@colorway/registry/memory';
import { nacosInstances } from '@colorway/registry/nacos';
import { redisDirectory } from '@colorway/registry/redis';
import { Dispatcher } from 'undici';
import {
  CLAIMED_HOSTS,
  type HostileRecord,
  hostileRecords,
  hostileState,
  PLAIN_SERVICE,
} from './hostile-records.js';

const [, , kind = '', options = '{}', good = '', trapPort = ''] = process.argv;

const escaped = { unhandled: 0, uncaught: 0, why: [] as string[] };
process.on('unhandledRejection', (reason) => {
  escaped.unhandled++;
  escaped.why.push(String(reason));
});
process.on('uncaughtException', (error) => {
  escaped.uncaught++;
  escaped.why.push(String(error.stack));
});

const codes: Record<string, number> = {};
const examples: Record<string, string> = {};
const note = (code: string, message: string): void => {
  codes[code] = (codes[code] ?? 0) + 1;
  examples[code] = message.slice(0, 500);
};
process.on('warning', (warning) =>
  note(String((warning as { readonly code?: unknown }).code ?? warning.name), warning.message),
);
const said = (message: string, details?: unknown): void =>
  note(String((details as { readonly code?: unknown } | undefined)?.code), message);
const logger = { debug: said, info: said, warn: said, error: said };

const DIRECTORIES: Record<string, (options: never) => Directory> = {
  etcd: etcdDirectory,
  redis: redisDirectory,
  consul: consulDirectory,
  folder: fileDirectory,
  memory: () => memoryDirectory(),
  nacos: (given) => composeDirectory({ instances: nacosInstances(given), state: memoryDirectory() }),
};

/** What is for no service arrives here. */
class Outside extends Dispatcher {
  readonly origins: string[] = [];
  override dispatch({ origin }: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.origins.push(String(origin));
    // Undici's own way of failing a request, old and new.
    const { onError, onResponseError } = handler as {
      onError?(error: Error): void;
      onResponseError?(controller: unknown, error: Error): void;
    };
    const error = new Error('outside');
    if (onResponseError !== undefined) onResponseError.call(handler, {}, error);
    else onError?.call(handler, error);
    return true;
  }
  override async close(): Promise<void> {}
  override async destroy(): Promise<void> {}
}

const directory = DIRECTORIES[kind]?.(JSON.parse(options) as never) as Directory;
const coloring = createColoring({
  service: 'caller',
  color: '',
  directory,
  directoryTimeoutMs: 150_000,
  logger,
});
const outside = new Outside();
const fetch = coloredFetch(coloring, { fallback: outside });
const agent = coloredAgent(coloring);

/** How a call ends: its body, or the code of its error. */
const called = (url: string): Promise<string> =>
  fetch(url).then(
    (response) => response.text(),
    (error: { code?: string; message?: string }) => String(error.code ?? error.message),
  );

const throughAgent = (url: string): Promise<string> =>
  new Promise((resolve) => {
    const lookup = (host: string, _: unknown, done: (error: Error) => void) => {
      outside.origins.push(host);
      done(new Error('outside'));
    };
    get(url, { agent, lookup } as never, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 150_000; performance.now() < end; ) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`It was waited 150 s in vain for: ${what}. ${JSON.stringify({ codes, examples })}`);
}

const isServed = (service: string) => coloring.view().services.get(service)?.uncolored.kind === 'baseline';

/** For the memory directory, which lives in this process. */
async function writeHere(records: readonly HostileRecord[]): Promise<number> {
  let stood = 0;
  for (const { fields } of records) {
    // Who knows an id of this directory may replace what is registered under it.
    if (fields === undefined || fields.id === good) continue;
    await directory.instances.register(fields as never, 600_000);
    stood++;
  }
  return stood;
}

const JOBS: Record<string, (...args: string[]) => Promise<unknown>> = {
  /** `write <from> <to>` */
  write: async (from, to) =>
    writeHere(hostileRecords(Number(to), { good, trapPort: Number(trapPort) }).slice(Number(from))),
  /** `writeState <count>` */
  writeState: async (count) => {
    const waiting = [...hostileState(Number(count))];
    const writer = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
        await directory.state?.create(...next);
    };
    await Promise.all(Array.from({ length: 16 }, writer));
  },
  register: async (service = '', port) => {
    const record = {
      id: service,
      service,
      host: '127.0.0.1',
      port: Number(port),
      metadata: {},
      startedAt: 1,
    };
    await directory.instances.register(record, 600_000);
  },
  seen: async (service = '') => until(`service ${service}`, () => isServed(service)),
  /** Calls what is good, and what nobody may take over. */
  calls: async () => {
    const hosts = CLAIMED_HOSTS.flatMap((host) => [`http://${host}/`, `https://${host}/`]);
    const outcomes: Record<string, string> = {};
    for (const url of hosts) outcomes[url] = await called(url);
    outcomes.agent = await throughAgent('http://api.stripe.com/');
    return {
      good: [await called(`http://${good}/`), await throughAgent(`http://${good}/`)],
      secure: await called(`https://${PLAIN_SERVICE}/`),
      outcomes,
      outside: [...new Set(outside.origins)],
    };
  },
  /** Whatever else is in the state, an environment can be made, used and ended. */
  state: async () => {
    const { environments } = coloring;
    await environments.create('mine', { owner: 'ann', ttlMs: 60_000, services: [good] });
    const colors = (await coloring.overview()).map(({ color }) => color);
    await environments.endExpired();
    const listed = (await environments.list()).length;
    const { deleted } = await environments.delete('mine', { wait: false });
    return { isShown: colors.includes('mine'), listed, deleted };
  },
  report: async () => {
    // A warning is emitted in the next turn.
    await new Promise((resolve) => setTimeout(resolve, 100));
    globalThis.gc?.();
    const services = [...coloring.view().services.entries()];
    return {
      escaped,
      codes,
      examples,
      heapMb: Math.round(process.memoryUsage().heapUsed / 1_048_576),
      services: services.length,
      names: services.map(([name]) => name).filter((name) => !/^[A-Za-z0-9._-]+$/.test(name)),
      ageMs: coloring.viewAge(),
      polluted: ({} as { polluted?: unknown }).polluted !== undefined,
    };
  },
  close: async () => {
    await coloring.close();
    process.exitCode = 0;
  },
};

const input = createInterface({ input: process.stdin });
for await (const line of input) {
  const [job = '', ...args] = line.split(' ');
  const answer = await (JOBS[job]?.(...args) ?? Promise.reject(new Error(`no job ${job}`))).then(
    (value) => ({ value: value ?? null }),
    (error: Error) => ({ error: error.message }),
  );
  console.log(JSON.stringify(answer));
  if (job === 'close') break;
}
input.close();
