import { EventEmitter } from 'node:events';
import { Scope } from '@colorway/core/background';
import type { AmqpChannel } from '@colorway/mq/amqp';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { Deliveries } from '../../src/amqp/consuming/deliveries.js';
import { Presences } from '../../src/amqp/consuming/presences.js';

const QUEUE = 'GID_red_orders';

/** A channel that has one message in hand, and those beside it on which presences stand. */
function setUp() {
  const coloring = createColoring({ service: 'stock', color: 'red', directory: memoryDirectory() });
  const scope = new Scope('channel', { reporter: coloring.reporter });
  const channel = Object.assign(new EventEmitter(), { cancel: async () => ({}) });
  const standing = new Set<object>();
  let opened = 0;
  const open = async (): Promise<AmqpChannel> => {
    opened++;
    const beside = Object.assign(new EventEmitter(), {
      prefetch: async () => ({}),
      consume: async () => ({ consumerTag: 'presence' }),
      close: async () => void standing.delete(beside),
    });
    standing.add(beside);
    return beside as unknown as AmqpChannel;
  };
  const deliveries = new Deliveries();
  deliveries.add(1, deliveries.of(QUEUE));
  const presences = new Presences(coloring, open, channel as unknown as AmqpChannel, deliveries, scope);
  const end = async (): Promise<void> => {
    await scope.dispose();
    await coloring.close();
  };
  return { channel, deliveries, presences, standing, opened: () => opened, end };
}

describe('the presence of a channel in a queue', () => {
  test('stands until what is in hand is settled', async () => {
    const { deliveries, presences, standing, end } = setUp();
    await presences.during(QUEUE, async () => {});
    await presences.release(QUEUE);
    expect(standing.size).toBe(1);
    deliveries.settle(1);
    await presences.release(QUEUE);
    expect(standing.size).toBe(0);
    await end();
  });

  test('ends with the channel, whatever was in hand', async () => {
    const { channel, presences, standing, end } = setUp();
    await presences.during(QUEUE, async () => {});
    channel.emit('close');
    await end();
    expect(standing.size).toBe(0);
  });

  // The broker's answer to a cancel and its answer to a close may come in one go.
  test('does not begin behind the end of the channel: what it held has gone back, and nobody would end the presence', async () => {
    const { channel, presences, standing, opened, end } = setUp();
    const cancel = async (): Promise<string> => 'cancelled';
    const cancelled = cancel();
    channel.emit('close');
    const reply = await cancelled;
    expect(await presences.during(QUEUE, async () => reply)).toBe('cancelled');
    await presences.release(QUEUE);
    expect(standing.size).toBe(0);
    expect(opened()).toBe(0);
    await end();
  });
});
