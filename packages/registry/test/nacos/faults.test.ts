import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { startService } from '../../../../test/services/index.mjs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import { startChild } from '../support/child.js';
import { cleanUp } from '../support/clean-up.js';
import { pause, until } from '../support/wait.js';
import { instance, nacosOn, newNamespace, openApi, watchInstances } from './support.js';

const FAILED = { code: 'COLORWAY_DIRECTORY_FAILED' };
const LONG_LEASE_MS = 60_000;

jest.setTimeout(180_000);

/** A proxy before the gRPC port: its HTTP port would be 1,000 below, and nobody needs it. */
async function grpcProxy(
  url: string,
): Promise<{ proxy: TcpProxy; through: { url: string; grpcPortOffset: number } }> {
  const grpc = new URL(url);
  grpc.port = String(Number(grpc.port) + 1_000);
  const proxy = await TcpProxy.open(grpc.origin);
  cleanUp(() => proxy.close());
  return { proxy, through: { url: proxy.url, grpcPortOffset: 0 } };
}

describeWithServers(
  ['nacos'],
  'A Nacos that is killed',
  (servers) => {
    test('forgets all instances: the view keeps them, and those that live are registered again at once', async () => {
      const { url } = servers.nacos;
      const namespace = newNamespace();
      const [living, dead] = [nacosOn({ url, namespace }), nacosOn({ url, namespace })];
      const told = watchInstances(nacosOn({ url, namespace, graceMs: 6_000 }).instances);
      await living.instances.register(instance('living', { port: 3001 }), LONG_LEASE_MS);
      await dead.instances.register(instance('dead', { port: 3002 }), LONG_LEASE_MS);
      await until('both', () => told.byId.size === 2);
      watchInstances(living.instances);

      await servers.nacos.kill();
      await until('the outage', () => told.errors.length > 0, 30_000);
      await expect(living.instances.renew('living')).rejects.toMatchObject(FAILED);
      await dead.close();
      await pause(2_000);
      expect(told.byId.size).toBe(2);

      await servers.nacos.restart();
      const { currents } = told;
      await until('it is back', () => told.currents > currents, 30_000);
      expect([...told.byId.keys()].sort()).toEqual(['dead', 'living']);
      const list = { namespaceId: namespace, serviceName: 'order' };
      const listed = async () => JSON.parse(await openApi(url, 'GET', 'instance/list', list)).hosts.length;
      await until(
        'the living one is registered, without a heartbeat',
        async () => (await listed()) === 1,
        30_000,
      );
      await until('the dead one is gone', () => !told.byId.has('dead'), 30_000);
      expect(told.byId.has('living')).toBe(true);
      await living.instances.renew('living');
      expect(told.broken).toEqual([]);
    });

    test('a lease that ran out during the outage is lost', async () => {
      const directory = nacosOn({ url: servers.nacos.url, namespace: newNamespace() });
      await directory.instances.register(instance('a'), 500);
      await servers.nacos.kill();
      await pause(700);
      await servers.nacos.restart();
      const renewed = () => directory.instances.renew('a').catch(({ code }) => code);
      await until('the answer', async () => (await renewed()) === 'COLORWAY_LEASE_LOST', 30_000);
    });
  },
  { own: true },
);

describeWithServers(['nacos'], 'A Nacos behind a bad network', (servers) => {
  test('slow, 2 s an answer: everything works', async () => {
    const { proxy, through } = await grpcProxy(servers.nacos.url);
    const namespace = newNamespace();
    const directory = nacosOn({ ...through, namespace, timeoutMs: 20_000 });
    proxy.delay(2_000);
    const told = watchInstances(directory.instances);
    await directory.instances.register(instance('a'), LONG_LEASE_MS);
    await until('a', () => told.byId.has('a'), 60_000);
    await directory.instances.deregister('a');
    await until('a gone', () => told.byId.size === 0, 60_000);
    expect(told.errors).toEqual([]);
  });

  test('that drops everything: calls fail in time, the last view stays, and it heals', async () => {
    const { proxy, through } = await grpcProxy(servers.nacos.url);
    const namespace = newNamespace();
    const near = nacosOn({ url: servers.nacos.url, namespace });
    const far = nacosOn({ ...through, namespace, timeoutMs: 800, graceMs: 0 });
    await near.instances.register(instance('a'), LONG_LEASE_MS);
    const told = watchInstances(far.instances);
    await until('a', () => told.byId.has('a'));

    proxy.swallow();
    await until('the outage', () => told.errors.length > 0, 30_000);
    await expect(far.instances.register(instance('b', { port: 3002 }), LONG_LEASE_MS)).rejects.toMatchObject(
      FAILED,
    );
    await near.instances.deregister('a');
    await near.instances.register(instance('c', { port: 3003 }), LONG_LEASE_MS);
    expect([...told.byId.keys()]).toEqual(['a']);

    proxy.breakOff();
    proxy.heal();
    await until('c', () => told.byId.has('c') && !told.byId.has('a'), 30_000);
  });

  test('the second of two servers serves when the first is away', async () => {
    const { proxy, through } = await grpcProxy(servers.nacos.url);
    const namespace = newNamespace();
    const second = new URL(servers.nacos.url);
    second.port = String(Number(second.port) + 1_000);
    const directory = nacosOn({ url: [through.url, second.origin], grpcPortOffset: 0, namespace });
    const told = watchInstances(directory.instances);
    await directory.instances.register(instance('a'), LONG_LEASE_MS);
    await until('a', () => told.byId.has('a'));
    proxy.refuse();
    await until('it has noticed', () => told.errors.length > 0, 30_000);
    await until(
      'it is current again',
      () =>
        directory.instances.renew('a').then(
          () => true,
          () => false,
        ),
      30_000,
    );
    await directory.instances.register(instance('b', { port: 3002 }), LONG_LEASE_MS);
    await until('b', () => told.byId.has('b'), 30_000);
  });
});

describeWithServers(['nacos'], 'Nacos with users', () => {
  test('a user is asked for, and a token that is no longer known is replaced', async () => {
    const admin = { RNACOS_INIT_ADMIN_USERNAME: 'admin', RNACOS_INIT_ADMIN_PASSWORD: 'secret123' };
    const nacos = await startService('nacos', {
      own: true,
      settings: { RNACOS_ENABLE_OPEN_API_AUTH: 'true', ...admin },
    });
    cleanUp(() => nacos.stop());
    const { url } = nacos;
    const directory = nacosOn({ url, username: 'admin', password: 'secret123' });
    const registered = () =>
      directory.instances.register(instance('a'), LONG_LEASE_MS).then(
        () => true,
        () => false,
      );
    // It knows its first user a moment after its start.
    await until('it is registered', registered, 30_000);
    const told = watchInstances(nacosOn({ url, username: 'admin', password: 'secret123' }).instances);
    await until('a', () => told.byId.has('a'), 30_000);
    await expect(nacosOn({ url }).instances.register(instance('b'), LONG_LEASE_MS)).rejects.toMatchObject({
      ...FAILED,
      message: expect.stringContaining('403'),
    });
    const wrong = nacosOn({ url, username: 'admin', password: 'guessed' }).instances;
    await expect(wrong.register(instance('b'), LONG_LEASE_MS)).rejects.toMatchObject(FAILED);
    await expect(wrong.register(instance('b'), LONG_LEASE_MS)).rejects.not.toMatchObject({
      message: expect.stringContaining('guessed'),
    });

    await nacos.kill();
    await nacos.restart();
    const renewed = () =>
      directory.instances.renew('a').then(
        () => true,
        () => false,
      );
    await until('it is registered again', renewed, 60_000);
  });
});

describeWithServers(
  ['nacos'],
  'Processes that share a Nacos',
  (servers) => {
    test('one that is killed is gone at once', async () => {
      const { url } = servers.nacos;
      const namespace = newNamespace();
      const told = watchInstances(nacosOn({ url, namespace }).instances);
      const child = startChild('registerOn', url, 'nacos', namespace, '3001', '60000');
      await until('it is registered', () => told.byId.size === 1, 30_000);
      child.kill('SIGKILL');
      await until('it is gone', () => told.byId.size === 0, 30_000);
    });

    test('one that is paused is dropped by the server, and registers again when it wakes', async () => {
      const { url } = servers.nacos;
      const namespace = newNamespace();
      const told = watchInstances(nacosOn({ url, namespace }).instances);
      const child = startChild('registerOn', url, 'nacos', namespace, '3001', '3000');
      await until('it is registered', () => told.byId.size === 1, 30_000);
      child.kill('SIGSTOP');
      await until('it is dropped', () => told.byId.size === 0, 60_000);
      child.kill('SIGCONT');
      await until('it is back', () => told.byId.size === 1, 60_000);
      expect(told.errors).toEqual([]);
    });

    test('one that only watches answers when the server asks whether it lives', async () => {
      const { url } = servers.nacos;
      const namespace = newNamespace();
      const registrant = nacosOn({ url, namespace });
      await registrant.instances.register(instance('a'), LONG_LEASE_MS);
      const told = watchInstances(nacosOn({ url, namespace, listMs: 60_000 }).instances);
      await until('a', () => told.byId.has('a'));
      await pause(10_000);
      expect(told.errors).toEqual([]);
    });

    test('a process with nothing else to do ends, though it watches', async () => {
      const child = startChild('glance', servers.nacos.url, 'nacos', newNamespace());
      expect(await child.exited).toBe(0);
      expect(child.lines.join()).toContain('is not in the directory');
    });
  },
  { own: true, settings: { RNACOS_GRPC_DETECTION_TIMEOUT_SECOND: '3' } },
);

describe('A server that is no Nacos', () => {
  async function listening(server: Server): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUp(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  function http2(answer: (stream: ServerHttp2Stream) => void): Promise<string> {
    const server = createHttp2Server();
    server.on('session', (session) => cleanUp(() => session.destroy()));
    server.on('stream', (stream) => {
      stream.on('error', () => {});
      answer(stream);
    });
    return listening(server);
  }

  test.each([
    [
      'HTTP/1.1 with status 500',
      () => listening(createHttpServer((_, response) => response.writeHead(500).end('<html>'))),
    ],
    [
      'HTTP/2 with status 500',
      () => http2((stream) => stream.respond({ ':status': 500 }, { endStream: true })),
    ],
    [
      'garbage',
      () =>
        http2((stream) => {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
          stream.end('<html>garbage that is long enough to be taken for a message</html>');
        }),
    ],
    [
      'another gRPC service',
      () =>
        http2((stream) =>
          stream.respond(
            { ':status': 200, 'grpc-status': '12', 'grpc-message': 'unimplemented' },
            { endStream: true },
          ),
        ),
    ],
    [
      'messages that are none of Nacos',
      () =>
        http2((stream) => {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
          stream.end(Buffer.from([0, 0, 0, 0, 3, 1, 2, 3]));
        }),
    ],
  ])('%s: an error that names it, from calls and watches', async (_what, start) => {
    const url = await start();
    const directory = nacosOn({ url, grpcPortOffset: 0 });
    const told = watchInstances(directory.instances);
    await expect(directory.instances.register(instance('a'), LONG_LEASE_MS)).rejects.toMatchObject({
      ...FAILED,
      message: expect.stringContaining(new URL(url).host),
    });
    await until('the watch told', () => told.errors.length > 1);
    expect(told.hasSnapshot).toBe(false);
  });

  test.each([
    ['status 500', (): [number, string] => [500, 'no']],
    ['garbage', (): [number, string] => [200, '<html>']],
    ['a refusal', (): [number, string] => [403, 'unknown user!']],
  ])('a login that answers %s fails the call', async (_what, answer) => {
    const url = await listening(
      createHttpServer((_, response) => {
        const [status, text] = answer();
        response.writeHead(status).end(text);
      }),
    );
    const directory = nacosOn({ url, grpcPortOffset: 0, username: 'u', password: 'hidden' });
    const failed = directory.instances.register(instance('a'), LONG_LEASE_MS);
    await expect(failed).rejects.toMatchObject(FAILED);
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('hidden') });
  });
});
