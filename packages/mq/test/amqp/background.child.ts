// Opens, consumes and closes in every order, with nothing else alive: `background.child.ts <url> <mode>`. Prints what goes on after
// each way to close, as one line of JSON; the process then has to end by itself.
import { setTimeout as pause } from 'node:timers/promises';
import { withColor } from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { coloredChannel } from '@colorway/mq/amqp';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { type ChannelModel, connect } from 'amqplib';
import { trackOwnTimers } from './own-timers.js';

const [, , url = '', mode = 'routing'] = process.argv;
const tracked = trackOwnTimers();
const ownTimers = () => tracked().filter((stack) => !stack.includes('/packages/registry/'));

function lose(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: { destroy(error: Error): void } };
  stream.destroy(new Error('lost'));
}

async function life(order: readonly string[]) {
  const directory = memoryDirectory();
  const queue = `background-${process.pid}-${order.join('-')}-${mode}`;
  const open = async (color?: string) => {
    const coloring = createColoring({
      service: 'order',
      color: color ?? '',
      directory: { ...directory, close: async () => {} },
      closing: { noticeMs: 0, drainMs: 1_000 },
    });
    if (color !== undefined) await coloring.environments.ensure(color, { owner: 'test' });
    const connection = await connect(url);
    connection.on('error', () => {});
    const raw = await connection.createConfirmChannel();
    raw.on('error', () => {});
    const filter = { mode: 'filter' as const, state: directory.state, graceMs: 200 };
    const channel = coloredChannel(coloring, raw, mode === 'filter' ? filter : {});
    await channel.assertExchange(`${queue}.shop`, 'topic', { autoDelete: true });
    await channel.assertQueue(queue);
    await channel.bindQueue(queue, `${queue}.shop`, '#');
    await channel.consume(queue, (message) => message && channel.ack(message));
    if (color !== undefined) await channel.get(queue);
    return { coloring, connection, channel };
  };
  const all = [await open(), await open('a')];
  for (const text of ['0', '1'])
    withColor('a', () => all[0]?.channel.publish(`${queue}.shop`, 'k', Buffer.from(text)));
  await pause(100);
  const closed: Record<string, () => Promise<unknown> | unknown> = {
    channel: () => Promise.allSettled(all.map(({ channel }) => channel.close())),
    connection: () => Promise.allSettled(all.map(({ connection }) => connection.close())),
    loss: () => all.map(({ connection }) => lose(connection)),
    coloring: () => Promise.all(all.map(({ coloring }) => coloring.close())),
  };
  const left: object[] = [];
  for (const how of order) {
    await closed[how]?.();
    await pause(150);
    if (runningTasks().length > 0 || ownTimers().length > 0)
      left.push({ order, after: how, tasks: runningTasks(), timers: ownTimers() });
  }
  await directory.close();
  return left;
}

const ORDERS = [
  ['channel', 'connection', 'coloring'],
  ['channel', 'coloring', 'connection'],
  ['connection', 'coloring'],
  ['coloring', 'channel', 'connection'],
  ['coloring', 'connection'],
  ['loss', 'coloring'],
  ['coloring', 'loss'],
  ['channel', 'loss', 'coloring'],
];
const left: object[] = [];
for (const order of ORDERS) left.push(...(await life(order)));
process.stdout.write(`${JSON.stringify(left)}\n`);
