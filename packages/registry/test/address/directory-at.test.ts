import { randomUUID } from 'node:crypto';
import type { Directory, InstanceChange } from '@colorway/core';
import { createColoring, directoryAt } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { lateDirectory } from '../../src/address/late-directory.js';
import { cleanUp } from '../support/clean-up.js';
import { until } from '../support/wait.js';
import { gatherWarnings } from '../support/warnings.js';

const RECORD = { id: 'a', service: 'stock', host: '10.0.0.1', port: 1, metadata: {}, startedAt: 0 };

jest.setTimeout(120_000);

/** What a process sees that has lost a package. */
function notFound(name: string): Error {
  return Object.assign(new Error(`Cannot find package '${name}' imported from x.js`), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
}

function late(load: () => Promise<Directory>) {
  const directory = lateDirectory({ client: 'redis', keepsState: true, load }, '"redis://a:6379"');
  cleanUp(() => directory.close());
  return directory as Required<Directory>;
}

describe('a directory that is being loaded', () => {
  it('answers when it is there, calls and watches alike', async () => {
    const memory = memoryDirectory();
    let arrive = (_: Directory): void => {};
    const directory = late(
      () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    );
    const told: InstanceChange[] = [];
    directory.instances.watch({ next: (change) => told.push(change), current: () => {}, error: () => {} });
    const made = directory.state.create('k', 'v');
    const registered = directory.instances.register(RECORD, 60_000);
    arrive(memory);
    expect(await made).toMatchObject({ created: true });
    await registered;
    await until('the watch tells', () => JSON.stringify(told).includes('10.0.0.1'), 60_000);
    await directory.instances.renew('a');
    await directory.instances.deregister('a');
    const { entry } = await made;
    const next = await directory.state.compareAndSet('k', 'w', entry.version);
    expect(await directory.state.list('k')).toEqual([next]);
    expect(await directory.state.compareAndDelete('k', next?.version ?? '')).toBe(true);
    expect(await directory.state.get('k')).toBeUndefined();
    expect(Math.abs(((await directory.state.now?.()) ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('a watch that is closed before that is never told', async () => {
    const memory = memoryDirectory();
    const watched = jest.spyOn(memory.instances, 'watch');
    const directory = late(async () => memory);
    const fail = (): void => {
      throw new Error('told');
    };
    directory.instances.watch({ next: fail, current: fail, error: fail }).close();
    await directory.state.get('k');
    expect(watched).not.toHaveBeenCalled();
  });

  it('whose client is not installed says what to install, and registering does not wait for it', async () => {
    const warnings = gatherWarnings();
    const directory = late(() => Promise.reject(notFound('redis')));
    const coloring = createColoring({ service: 'order', color: '', directory });
    cleanUp(() => coloring.close());
    const refused = {
      code: 'COLORWAY_INVALID_OPTION',
      message: expect.stringMatching(/^"redis:\/\/a:6379" needs the package "redis".*npm install redis/),
    };
    await expect(coloring.register({ port: 1 })).rejects.toMatchObject(refused);
    await expect(directory.state.get('k')).rejects.toMatchObject(refused);
    await until(
      'it is said',
      () => warnings.messages().some((line) => line.includes('npm install redis')),
      60_000,
    );
  });

  it('another error of loading is passed on as it is', async () => {
    const error = notFound('somebody-elses');
    await expect(late(() => Promise.reject(error)).state.get('k')).rejects.toBe(error);
  });

  it('is not used after it was closed', async () => {
    const directory = late(async () => memoryDirectory());
    await directory.close();
    const observer = { next: () => {}, current: () => {}, error: () => {} };
    expect(() => directory.instances.watch(observer)).toThrow(
      expect.objectContaining({ code: 'COLORWAY_CLOSED' }),
    );
    await expect(directory.state.get('k')).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
  });
});

describeWithServers(
  ['consul', 'etcd', 'redis', 'nacos'],
  'a service whose directory is an address',
  (servers) => {
    const host = (url: string): string => new URL(url).host;
    const color = () => `c-${randomUUID().slice(0, 8)}`;

    test.each<[string, (scope: string) => readonly [string, string?]]>([
      ['consul', (scope) => [`consul://${host(servers.consul.url)}/${scope}`]],
      ['etcd', (scope) => [`etcd://${host(servers.etcd.url)}/${scope}`]],
      ['redis', (scope) => [`redis://${host(servers.redis.url)}?prefix=${scope}`]],
      [
        'nacos and redis',
        (scope) => [
          `nacos://${host(servers.nacos.url)}?namespace=${scope}`,
          `redis://${host(servers.redis.url)}?prefix=${scope}`,
        ],
      ],
    ])(
      '%s: is seen by another, in its environment',
      async (_name, addressOf) => {
        const [address, state] = addressOf(randomUUID());
        const red = color();
        const service = `order-${red}`;
        const [one, other] = [red, ''].map((own) => {
          const directory = directoryAt(address, state);
          const coloring = createColoring({
            service,
            color: own,
            directory,
            directoryTimeoutMs: 60_000,
            closing: { noticeMs: 0 },
          });
          cleanUp(() => coloring.close());
          return coloring;
        });
        await one?.register({ host: '10.0.0.1', port: 3_001 });
        await until(
          'it is seen',
          () => other?.view().services.get(service)?.colored.get(red)?.kind === 'colored',
          60_000,
        );
        expect((await other?.environments.list())?.map((one) => one.color)).toEqual([red]);
        await other?.environments.delete(red);
      },
      180_000,
    );
  },
);
