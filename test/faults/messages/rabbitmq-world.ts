import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createColoring } from '@colorway/registry';
import { connect } from 'amqplib';
import type { Service } from '../../services/types.js';
import { built } from '../../support/built.js';
import { ConfirmingPublisher } from './confirming-publisher.js';
import { openDirectory } from './fixtures/open-directory.mjs';
import type { MakeWorld } from './run-scenario.js';
import type { OperatorAct } from './schedule.js';
import { until } from './until.js';

const HEARTBEAT_S = 2;

/** An exchange and a durable queue of their own on a broker that the scenarios may kill. */
export function rabbitmqWorld(server: Service): MakeWorld {
  return async (directory) => {
    built('packages/mq/dist/amqp.js');
    const unique = randomBytes(4).toString('hex');
    const [exchange, queue] = [`shop-${unique}`, `GID_stock-${unique}`];
    const publisher = new ConfirmingPublisher(server.url, exchange);
    const coloring = createColoring({
      service: 'stock',
      color: '',
      directory: openDirectory(directory),
      closing: { noticeMs: 0 },
    });
    return {
      broker: 'rabbitmq',
      script: join(__dirname, 'fixtures/rabbitmq-consumer.mjs'),
      env: { URL: server.url, EXCHANGE: exchange, QUEUE: queue, HEARTBEAT_S: `${HEARTBEAT_S}` },
      // A connection is given up after two heartbeats that did not come, and looked at once in each.
      timeoutMs: 3 * HEARTBEAT_S * 1_000,
      rebalances: false,
      environments: coloring.environments,
      send: (messages) => publisher.publish(messages),
      leave: async (color, consumers) => {
        // The color's own channel drains what is left, else one of the baseline's does.
        const of =
          consumers.find((one) => one.color === color) ?? consumers.find((one) => one.color === undefined);
        if (of === undefined) throw new Error(`nobody is there to drain ${color}`);
        await of.order('withdraw', { color, onLeave: 'drain' });
      },
      operate: async (act, color) => {
        const name = color === undefined ? queue : queue.replace('GID_', `GID_${color}_`);
        await operate(server.url, act, queue, name);
      },
      killBroker: () => server.kill(),
      restartBroker: () => server.restart(),
      close: async () => {
        await publisher.close();
        await coloring.close();
      },
    };
  };
}

/** How long consumers may take to put back what routes their messages. */
const MENDED_MS = 60_000;

async function operate(url: string, act: OperatorAct, queue: string, name: string): Promise<void> {
  const connection = await connect(url);
  try {
    const channel = await connection.createChannel();
    if (act === 'delete-queue') await channel.deleteQueue(name);
    else if (act === 'delete-routing') {
      await channel.deleteExchange(`${queue}.coloring`);
      // Until it is there again, what is sent ends nowhere, as with any exchange that is gone.
      let there = false;
      let over = false;
      const ask = async (): Promise<void> => {
        while (!there && !over) there = await exists(connection, `${queue}.coloring`);
      };
      const mended = until('the routing is there again', () => there, MENDED_MS).finally(() => {
        over = true;
      });
      await Promise.all([ask(), mended]);
    } else throw new Error(`RabbitMQ has no ${act}`);
  } finally {
    await connection.close();
  }
}

async function exists(connection: Awaited<ReturnType<typeof connect>>, exchange: string): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 200));
  const channel = await connection.createChannel();
  channel.on('error', () => {}); // a 404 closes it
  try {
    await channel.checkExchange(exchange);
    await channel.close();
    return true;
  } catch {
    return false;
  }
}
