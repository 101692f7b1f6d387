import { EventEmitter } from 'node:events';
import type { AmqpMessage } from '../../src/amqp/amqp-channel.js';
import { type DiscardParts, discardCopies } from '../../src/amqp/filter/discard-copies.js';
import { FilterMode } from '../../src/amqp/filter/filter-mode.js';

const gone = Object.assign(new Error('NOT_FOUND - no queue'), { code: 404 });

/** A queue that holds one message of the color, and that another process deletes when this one first looks at `goesAt`. */
function setUp(goesAt: 'consume' | 'checkQueue') {
  const message = { properties: { headers: {} } } as AmqpMessage;
  const acked: AmqpMessage[] = [];
  const channel = Object.assign(new EventEmitter(), {
    prefetch: async () => {},
    consume: async (_: string, onMessage: (message: AmqpMessage) => void) => {
      if (goesAt === 'consume') throw gone;
      onMessage(message);
    },
    checkQueue: async () => {
      throw gone;
    },
    ack: (one: AmqpMessage) => acked.push(one),
    close: async () => {},
  });
  const mode = Object.assign(Object.create(FilterMode.prototype), { owner: () => ({ kind: 'own' }) });
  const state = { ask: <T>(_: string, question: () => Promise<T>) => question(), open: async () => channel };
  const told: number[] = [];
  const discard = () =>
    discardCopies(
      {
        coloring: { carriers: { messageProperties: [], headers: [], baggageKeys: [] } },
        mode,
        state,
      } as unknown as DiscardParts,
      ...(['order', 'GID_red_order', 'red'] as const),
      { onDiscard: (messages) => void told.push(messages) },
    );
  return { discard, told, acked };
}

test.each([
  ['before it is read', 'consume', 0],
  ['while it is read', 'checkQueue', 1],
] as const)('a queue that another process has deleted, %s, is at its end', async (_, goesAt, count) => {
  const { discard, told, acked } = setUp(goesAt);
  expect(await discard()).toBe(count);
  expect(told).toEqual(count === 0 ? [] : [count]);
  expect(acked).toHaveLength(count);
});
