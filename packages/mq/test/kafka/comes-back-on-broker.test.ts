import { connect, type Socket } from 'node:net';
import { memoryDirectory } from '@colorway/registry/memory';
import { Kafka, logLevel } from 'kafkajs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { Shop, until } from './shop.js';

jest.setTimeout(120_000);

/** Fetch, FindCoordinator, JoinGroup, Heartbeat, SyncGroup. A client may connect, and ask for the topics. */
const BROKEN = [1, 10, 11, 12, 14];

const reset = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });

/** The client's connections to the broker, which can all break off, and do so when they read or ask for the group. */
class Connections {
  broken = false;
  readonly #sockets = new Set<Socket>();

  client(brokers: string[]): Kafka {
    return new Kafka({
      ...{ brokers, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50 } },
      socketFactory: ({ host, port, onConnect }) => {
        const socket = connect({ host, port }, onConnect);
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
        const write = socket.write.bind(socket) as (data: Buffer, ...rest: unknown[]) => boolean;
        socket.write = ((data: Buffer, ...rest: unknown[]) => {
          // A request: its length, and then what it asks for.
          if (this.broken && BROKEN.includes(data.readInt16BE(4))) socket.destroy(reset());
          return write(data, ...rest);
        }) as typeof socket.write;
        return socket;
      },
    });
  }

  breakOff(): void {
    this.broken = true;
    for (const socket of this.#sockets) socket.destroy(reset());
  }
}

describeWithServers(
  ['kafka'],
  'brokers that break off while they are asked who coordinates a group',
  (servers) => {
    const connections = new Connections();
    let shop: Shop;
    beforeEach(async () => {
      const { brokers } = servers.kafka;
      shop = new Shop(brokers, memoryDirectory(), () => connections.client(brokers));
      await shop.createTopic(2);
    });
    afterEach(() => shop.close(), 60_000);

    it('have KafkaJS give up for good; consumers of both sides come back, and nothing is lost or handled twice', async () => {
      const base = await shop.start('base');
      const red = await shop.start('red', { color: 'red' });
      const gaveUp = new Set<string>();
      for (const { consumer } of [base, red]) {
        consumer.on('consumer.crash', ({ payload }) => void (payload.restart || gaveUp.add(payload.groupId)));
      }
      await until('red is active', () =>
        base.coloring.mq.status().handovers.some(({ state }) => state === 'active'),
      );
      const before = [...(await shop.send(5)), ...(await shop.send(5, 'red'))];
      await until('all is handled', () => shop.handled.length === 10);
      connections.breakOff();
      await until('KafkaJS has given both up', () => gaveUp.size === 2, 60_000);
      connections.broken = false;
      const after = [...(await shop.send(5)), ...(await shop.send(5, 'red'))];
      await until('all is handled', () => shop.handled.length === 20, 60_000);
      expect(shop.handled.map(({ id }) => id).sort()).toEqual([...before, ...after].sort());
      expect(new Set(shop.handled.map(({ by, color }) => `${by} ${color}`))).toEqual(
        new Set(['base undefined', 'red red']),
      );
    });
  },
);
