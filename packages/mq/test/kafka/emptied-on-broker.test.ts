import { randomBytes } from 'node:crypto';
import { etcdDirectory } from '@colorway/registry/etcd';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { pause, Shop, until } from './shop.js';

/** Deletes all keys below a prefix at once, as `etcdctl del --prefix` does. */
async function deleteAll(url: string, prefix: string): Promise<number> {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  const range = { key: Buffer.from(prefix).toString('base64'), range_end: end.toString('base64') };
  const response = await fetch(new URL('/v3/kv/deleterange', url), {
    ...{ method: 'POST', body: JSON.stringify(range) },
  });
  return Number(((await response.json()) as { deleted?: string }).deleted);
}

describeWithServers(
  ['kafka', 'etcd'],
  'a directory that is emptied while consumers run on a broker',
  (servers) => {
    test('each message is handled once, by its color or, when that has left as an orphan, by the baseline', async () => {
      const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
      const prefix = `emptied-${randomBytes(4).toString('hex')}/`;
      const { url } = servers.etcd;
      const directory = etcdDirectory({ url, prefix });
      const shop = new Shop(servers.kafka.brokers, directory);
      try {
        await shop.createTopic(2);
        const base = await shop.start('base');
        await shop.start('red', { color: 'red' });
        await until('active', () => base.coloring.mq.status().handovers[0]?.state === 'active');
        const ids: string[] = [];
        const load = async (ms: number): Promise<void> => {
          const end = performance.now() + ms;
          while (performance.now() < end) {
            ids.push(...(await shop.send(4, 'red')), ...(await shop.send(4)));
            await pause(10);
          }
        };
        const emptied = pause(700).then(() => deleteAll(url, prefix));
        await load(3_000);
        expect(await emptied).toBeGreaterThan(4);
        await until('all is handled', () => shop.handled.length >= ids.length, 20_000);
        await pause(500);
        expect(shop.faults(ids)).toEqual([]);
        const told = warned.mock.calls.filter((call) =>
          JSON.stringify(call).includes('COLORWAY_HANDOVER_LOST'),
        );
        expect(told).toHaveLength(1);
      } finally {
        await shop.close();
        await directory.close();
        await deleteAll(url, prefix);
        warned.mockRestore();
      }
    }, 90_000);
  },
);
