import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { auth, SECRET, send, signed } from '../../packages/http/test/auth/signed-request.js';
import { cleanUp } from '../../packages/registry/test/support/clean-up.js';
import { describeWithServers } from '../services/jest/describe-with-servers.mjs';

jest.setTimeout(120_000);

const LOADER = pathToFileURL(join(__dirname, '../../packages/registry/test/support/typescript.mjs')).href;

describeWithServers(['redis'], 'A request that was read on the way', (servers) => {
  async function startService(prefix: string): Promise<number> {
    const fixture = join(__dirname, 'fixtures/replay.child.ts');
    const child = spawn(process.execPath, ['--import', LOADER, fixture, servers.redis.url, prefix, SECRET], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = once(child, 'exit');
    cleanUp(() => {
      child.kill('SIGKILL');
      return gone;
    });
    const [port] = await once(createInterface(child.stdout), 'line');
    return Number(port);
  }

  it('and is sent again to another process is refused, and of a hundred copies to two one is served', async () => {
    const prefix = `test-${randomUUID()}`;
    const ports = await Promise.all([startService(prefix), startService(prefix)]);
    const [one, two] = ports as [number, number];
    const signing = auth({ secret: SECRET, replay: true });
    const request = signed(signing, {}, '/');
    expect(await send(one, '/', request)).toMatchObject({ status: 200, told: { caller: 'order' } });
    expect(await send(two, '/', request)).toMatchObject({
      status: 401,
      told: { code: 'COLORWAY_UNAUTHENTICATED' },
    });
    expect((await send(one, '/', request)).status).toBe(401);
    const next = signed(signing, {}, '/');
    const copies = await Promise.all(
      Array.from({ length: 100 }, (_, index) => send(index % 2 === 0 ? one : two, '/', next)),
    );
    expect(copies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(copies.filter(({ status }) => status === 401)).toHaveLength(99);
    expect((await send(two, '/', signed(signing, {}, '/'))).status).toBe(200);
  });
});
