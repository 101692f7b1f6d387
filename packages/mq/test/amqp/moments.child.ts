// Closes at random moments of a life, in a random order, with nothing else alive: `moments.child.ts <url> <mode> <seed> <lives>`. Prints what
// was left over, as one line of JSON; the process then has to end by itself.
import { setTimeout as pause } from 'node:timers/promises';
import { type StateStore, withColor } from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { coloredChannel } from '@colorway/mq/amqp';
import { createColoring, Environments } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { type ChannelModel, connect } from 'amqplib';
import { createRandom } from '../../../../test/faults/messages/random.js';
import { trackOwnTimers } from './own-timers.js';

const [, , url = '', mode = 'routing', seedText = '1', lives = '10'] = process.argv;
const ownTimers = trackOwnTimers();

async function life(seed: number): Promise<object[]> {
  const random = createRandom(seed);
  const directory = memoryDirectory();
  const environments = new Environments(directory.state as StateStore);
  const [queue, exchange] = [
    `moments-${process.pid}-${seed}-${mode}`,
    `moments-${process.pid}-${seed}-${mode}.shop`,
  ];
  let isOver = false;
  let late = 0;

  async function open(color?: string) {
    const coloring = createColoring({
      service: 'order',
      color: color ?? '',
      directory: { ...directory, close: async () => {} },
      closing: { noticeMs: 0, drainMs: 2_000 },
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    if (color !== undefined) await environments.ensure(color, { owner: 'test' });
    const connection = await connect(url);
    connection.on('error', () => {});
    const raw = await connection.createConfirmChannel();
    raw.on('error', () => {});
    const filter = { mode: 'filter' as const, state: directory.state, graceMs: 100 };
    const channel = coloredChannel(coloring, raw, mode === 'filter' ? filter : {});
    return { coloring, connection, channel };
  }

  const all = [await open(), await open('a')];

  /** What an application does, each step as far as it is let. */
  async function play(): Promise<void> {
    const step = async (does: () => Promise<unknown> | unknown): Promise<void> => {
      try {
        await does();
      } catch {
        // Closed meanwhile: what it says is tested elsewhere.
      }
    };
    for (const { channel } of all) {
      await step(() => channel.assertExchange(exchange, 'topic', { autoDelete: true }));
      await step(() => channel.assertQueue(queue, { expires: 60_000 }));
      await step(() => channel.bindQueue(queue, exchange, '#'));
      await step(() =>
        channel.consume(queue, (message) => {
          if (message === null) return;
          if (isOver) late++;
          const settle = () => step(() => (random() < 0.2 ? channel.nack(message) : channel.ack(message)));
          if (random() < 0.5) void settle();
          else void pause(random() * 50).then(settle);
        }),
      );
    }
    const send = (n: number) =>
      step(() =>
        withColor(n % 2 === 0 ? 'a' : undefined, () =>
          all[0]?.channel.publish(exchange, 'k', Buffer.from(`${n}`)),
        ),
      );
    for (let n = 0; n < 10; n++) await send(n);
    await step(() => all[1]?.channel.get(queue).then((message) => message && all[1]?.channel.ack(message)));
    await step(() => withColor('a', () => all[0]?.channel.sendToQueue(queue, Buffer.from('straight'))));
    for (const { coloring } of all) coloring.mq.status();
    const signal = AbortSignal.timeout(1_500);
    await step(() => environments.withdraw('order', 'a', { signal }));
  }

  const closed: Record<string, () => Promise<unknown> | unknown> = {
    channel: () => Promise.allSettled(all.map(({ channel }) => channel.close())),
    connection: () => Promise.allSettled(all.map(({ connection }) => connection.close())),
    loss: () => all.map(({ connection }) => lose(connection)),
    coloring: () => Promise.all(all.map(({ coloring }) => coloring.close())),
  };
  const orders = [
    ['channel', 'coloring', 'connection'],
    ['coloring', 'connection'],
    ['coloring', 'channel', 'connection'],
    ['connection', 'coloring'],
    ['loss', 'coloring'],
    ['coloring', 'loss'],
  ];
  const order = orders[Math.floor(random() * orders.length)] ?? [];
  const playing = play();
  const moment = random() * 600;
  await pause(moment);
  const left: object[] = [];
  for (const how of order) {
    await closed[how]?.();
    if (how === 'coloring') {
      isOver = true;
      // Directly: nobody waits for anything more.
      if (runningTasks().length > 0) left.push({ seed, order, moment, after: how, tasks: runningTasks() });
    }
  }
  await playing;
  // What the application called itself has its answer by now, or will not get one.
  for (let n = 0; n < 100 && (runningTasks().length > 0 || ownTimers().length > 0); n++) await pause(10);
  if (runningTasks().length > 0 || ownTimers().length > 0)
    left.push({ seed, order, moment, after: 'all', tasks: runningTasks(), timers: ownTimers() });
  if (late > 0) left.push({ seed, order, moment, handledAfterClose: late });
  await directory.close();
  return left;
}

function lose(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: { destroy(error: Error): void } };
  stream.destroy(new Error('lost'));
}

const left: object[] = [];
for (let n = 0; n < Number(lives); n++) left.push(...(await life(Number(seedText) + n)));
process.stdout.write(`${JSON.stringify(left)}\n`);
