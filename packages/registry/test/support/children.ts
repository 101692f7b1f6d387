// What the child processes of the tests do: `children.ts <job> <folder> <arguments>`.
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Directory } from '@colorway/core';
import { createColoring } from '@colorway/registry';
import { consulDirectory } from '@colorway/registry/consul';
import { etcdDirectory } from '@colorway/registry/etcd';
import { fileDirectory } from '@colorway/registry/file';
import { nacosInstances } from '@colorway/registry/nacos';
import { redisDirectory } from '@colorway/registry/redis';
import { GrpcChannel } from '../../src/nacos/grpc-channel.js';

const [, , job = '', folder = '', ...args] = process.argv;

const jobs: Record<string, () => Promise<void>> = {
  /** Registers as a service and stays: `register <folder> <service> <port> <leaseMs> [color]`. */
  async register() {
    const [service = '', port = '', leaseMs = '', color = ''] = args;
    const coloring = createColoring({
      service,
      color,
      directory: fileDirectory({ folder }),
      leaseMs: Number(leaseMs),
      closing: { noticeMs: 50 },
    });
    const { id } = await coloring.register({ port: Number(port) });
    process.on('SIGTERM', () => void coloring.close().then(() => console.log('closed'), console.error));
    // What a real service has instead is a listening server.
    const serving = setInterval(() => {}, 1_000);
    process.on('SIGTERM', () => clearInterval(serving));
    console.log(id);
  },

  /** Registers on a server and stays until it is killed: `registerOn <url> <redis|nacos> <scope> <port> <leaseMs>`. */
  async registerOn() {
    const [kind = '', scope = '', port = '', leaseMs = ''] = args;
    const directory =
      kind === 'redis'
        ? redisDirectory({ url: folder, prefix: scope })
        : nacosInstances({ url: folder, namespace: scope });
    const coloring = createColoring({ service: 'order', color: '', directory, leaseMs: Number(leaseMs) });
    const { id } = await coloring.register({ port: Number(port) });
    setInterval(() => {}, 1_000);
    console.log(id);
  },

  /** Asks a server that answers every call with a status: `ask <status> <times>`. Each time it hangs up at the answer. */
  async ask() {
    const server = createHttp2Server();
    server.on('stream', (stream) => {
      stream.on('error', () => {});
      stream.respond({ ':status': Number(folder) }, { endStream: true });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    let answered = 0;
    for (let time = 0; time < Number(args[0]); time++) {
      const channel = new GrpcChannel({ host: '127.0.0.1', port, secure: false, tls: undefined });
      await channel.connected();
      const end = (error: Error | undefined) => {
        answered++;
        channel.close(error as Error);
      };
      channel.stream('/a', { message: () => {}, end })(Buffer.alloc(100));
      await channel.unary('/b', Buffer.alloc(100)).catch(end);
    }
    console.log(answered);
    process.exit();
  },

  /** Reads and watches a directory on a server, and has nothing else to do: `glance <url> <redis|nacos> <scope>`. */
  async glance() {
    const [kind = '', scope = ''] = args;
    const directory =
      kind === 'redis'
        ? redisDirectory({ url: folder, prefix: scope })
        : nacosInstances({ url: folder, namespace: scope });
    directory.instances.watch({ next: () => {}, current: () => {}, error: () => {} });
    await directory.instances.renew('nobody').catch((error: Error) => console.log(error.message));
  },

  /** Registers with a server and stays: `join <kind> <options as JSON> <service> <port> <leaseMs>`. */
  async join() {
    const [options = '', service = '', port = '', leaseMs = ''] = args;
    const coloring = createColoring({
      service,
      color: '',
      directory: serverDirectory(folder, options),
      leaseMs: Number(leaseMs),
      closing: { noticeMs: 50 },
    });
    const { id } = await coloring.register({ port: Number(port) });
    setInterval(() => {}, 1_000);
    console.log(id);
  },

  /** Registers with a server, watches it, and has nothing else to do: `depart <kind> <options as JSON>`. */
  async depart() {
    const directory = serverDirectory(folder, args[0] ?? '');
    const coloring = createColoring({ service: 'order', color: '', directory });
    coloring.onViewChange(() => {});
    const { state } = await coloring.register({ port: 1 });
    await coloring.answeredView();
    console.log(state);
  },

  /** Registers, and has nothing else to do: `leave <folder>`. */
  async leave() {
    const coloring = createColoring({
      service: 'order',
      color: 'feat-cart',
      directory: fileDirectory({ folder }),
    });
    coloring.onViewChange(() => {});
    const { state } = await coloring.register({ port: 1 });
    console.log(state);
  },

  /** Adds one to a counter, many times: `increment <folder> <key> <times> <compactBytes>`. */
  async increment() {
    const [key = '', times = '', compactBytes = ''] = args;
    const directory = fileDirectory({ folder, compactBytes: Number(compactBytes) });
    for (let done = 0; done < Number(times); ) {
      const { entry } = await directory.state.create(key, '0');
      const written = await directory.state.compareAndSet(
        key,
        String(Number(entry.value) + 1),
        entry.version,
      );
      if (written !== undefined) done++;
    }
    await directory.close();
  },

  /** Creates keys that others create too, and prints those that it won: `create <folder> <keys>`. */
  async create() {
    const directory = fileDirectory({ folder });
    for (let key = 0; key < Number(args[0]); key++) {
      const { created } = await directory.state.create(`race/${key}`, String(process.pid));
      if (created) console.log(key);
    }
    await directory.close();
  },

  /** Writes long values until it is killed, and prints each that was acknowledged: `write <folder> <name> <compactBytes>`. */
  async write() {
    const [name = '', compactBytes = ''] = args;
    const directory = fileDirectory({ folder, compactBytes: Number(compactBytes) });
    let { entry } = await directory.state.create(`writer/${name}`, value(0));
    for (let count = 1; ; count++) {
      entry = (await directory.state.compareAndSet(entry.key, value(count), entry.version)) ?? entry;
      console.log(String(count));
    }
  },

  /** Writes until it fails; prints the error, and how many writes were acknowledged: `fill <folder>`. */
  async fill() {
    const directory = fileDirectory({ folder });
    let written = 0;
    try {
      for (; ; written++) await directory.state.create(`fill/${written}`, value(written));
    } catch (error) {
      const { code, message } = error as { code?: string; message?: string };
      console.log(JSON.stringify({ code, message }));
    }
    // What was there before is still there for who has met the full disk.
    if ((await directory.state.list('fill/')).length !== written)
      throw new Error('acknowledged writes are missing');
    console.log(String(written));
    await directory.close();
  },

  /** Registers one id anew and anew, with long metadata, until it is killed: `flap <folder> <id>`. */
  async flap() {
    const directory = fileDirectory({ folder });
    console.log('ready');
    for (let port = 1; ; port = (port % 60_000) + 1) {
      const metadata = { padding: String(port).repeat(2_000), port: String(port) };
      const record = {
        id: args[0] ?? '',
        service: 'flapping',
        host: '127.0.0.1',
        port,
        metadata,
        startedAt: 0,
      };
      await directory.instances.register(record, 60_000);
    }
  },
};

function serverDirectory(kind: string, options: string): Directory {
  return kind === 'etcd' ? etcdDirectory(JSON.parse(options)) : consulDirectory(JSON.parse(options));
}

/** Says how often it was written, all over, so that a reader of a half would notice. */
function value(count: number): string {
  return String(count).padStart(8, '0').repeat(500);
}

await jobs[job]?.();
