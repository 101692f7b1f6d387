import { type StateStore, withColor } from '@colorway/core';
import { Environments, type LeaveProgress } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { ELSEWHERE } from '../../src/leaving/leave-elsewhere.js';
import { cleanUp, cleanUpAll, connect, instance, unique, until } from './rabbit.js';

jest.setTimeout(240_000);
const before = { ...ELSEWHERE };
beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  Object.assign(ELSEWHERE, before);
  await cleanUpAll();
  jest.restoreAllMocks();
}, 60_000);

/** Read again at each start of the server. */
const settings = { cluster_name: 'before' };

describeWithServers(
  ['rabbitmq'],
  'amqp, a broker that has another name by now',
  (servers) => {
    test('what a color left behind there says so, and a discard ends it', async () => {
      Object.assign(ELSEWHERE, { discardMs: 1_000 });
      const directory = memoryDirectory();
      cleanUp(() => directory.close());
      const environments = new Environments(directory.state as StateStore);
      const [queue, exchange] = [unique('orders'), unique('shop')];
      const start = async (color?: string) => {
        const it = await instance(servers.rabbitmq.url, color, { directory });
        await it.channel.assertExchange(exchange, 'topic');
        await it.channel.assertQueue(queue);
        await it.channel.bindQueue(queue, exchange, '#');
        await it.channel.consume(queue, (message) => message && it.channel.ack(message));
        return it;
      };
      const base = await start();
      const red = await start('red');
      await red.connection.close();
      await red.coloring.close();
      withColor('red', () => base.channel.publish(exchange, 'k', Buffer.from('0'), { persistent: true }));
      await base.channel.waitForConfirms();
      await base.coloring.close();
      await base.connection.close();

      settings.cluster_name = 'after';
      await servers.rabbitmq.restart();
      const other = await start();
      const seen: LeaveProgress[] = [];
      const drain = environments.delete('red', { onProgress: (now) => void seen.push(now) });
      await until(() => seen.at(-1)?.waitingFor?.includes('at broker before/') === true, 30_000);
      expect(seen.at(-1)?.remedy).toContain('has another name by now');
      // The same broker, whatever it is called: what is thrown away is thrown away here.
      expect(await environments.withdraw('order', 'red', { onLeave: 'discard' })).toMatchObject({
        discarded: 1,
      });
      await drain;
      const channel = await (await connect(servers.rabbitmq.url)).createChannel();
      channel.on('error', () => {});
      await expect(channel.checkQueue(`GID_red_${queue}`)).rejects.toMatchObject({ code: 404 });
      await other.coloring.close();
    });
  },
  { own: true, settings },
);
