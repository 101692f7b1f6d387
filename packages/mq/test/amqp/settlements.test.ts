import type { Coloring } from '@colorway/core';
import { Scope } from '@colorway/core/background';
import fc from 'fast-check';
import type { AmqpChannel, AmqpMessage } from '../../src/amqp/amqp-channel.js';
import type { ConnectionState } from '../../src/amqp/connection/connection-state.js';
import { Consumers } from '../../src/amqp/consuming/consumers.js';
import { settlements } from '../../src/amqp/consuming/settlements.js';
import type { Mode, Owner } from '../../src/amqp/mode.js';
import { coloringOf } from './rabbit.js';

type Kind = 'own' | 'foreign' | 'astray';

/** A broker that keeps the books of one channel by itself, one delivery at a time. */
class Broker {
  readonly unsettled = new Map<number, Kind>();
  readonly faults: string[] = [];
  /** What the application may be said to have settled, and how. */
  readonly allowed = new Map<number, 'ack' | 'nack'>();
  readonly passedOn = new Set<number>();
  onMessage: ((message: AmqpMessage) => unknown) | undefined;
  #tag = 0;

  message(kind: Kind): AmqpMessage {
    const deliveryTag = ++this.#tag;
    this.unsettled.set(deliveryTag, kind);
    return {
      content: Buffer.from(kind),
      fields: { deliveryTag, exchange: '', routingKey: '', redelivered: false },
      properties: { headers: { kind } },
    };
  }

  deliver(kind: Kind): void {
    this.onMessage?.(this.message(kind));
  }

  settle(deliveryTag: number, multiple: boolean, how: 'ack' | 'nack'): void {
    for (const [tag, kind] of [...this.unsettled]) {
      if (multiple ? tag > deliveryTag && deliveryTag !== 0 : tag !== deliveryTag) continue;
      const isRight =
        this.allowed.get(tag) === how ||
        (how === 'ack' && (kind === 'foreign' || (kind === 'astray' && this.passedOn.has(tag))));
      if (!isRight) this.faults.push(`${how} of ${tag}, ${kind}`);
      this.unsettled.delete(tag);
    }
  }
}

const kind = fc.constantFrom<Kind>('own', 'own', 'foreign', 'foreign', 'astray');
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), kind }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('get' as const),
      kind,
      meanwhile: fc.array(kind, { maxLength: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'ack' as const,
        'ackUpTo' as const,
        'nack' as const,
        'nackUpTo' as const,
        'reject' as const,
      ),
      at: fc.nat({ max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('ackAll' as const, 'nackAll' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('passed' as const), isPassedOn: fc.boolean() }),
  },
);

/*
 * Filter mode, and strays: consumer and `get`, acknowledgements of any kind in any order, against a broker that knows which
 * message the application has settled.
 */
test('no message is settled that the application did not settle, and that was not somebody else’s', async () => {
  const coloring = coloringOf() as Coloring;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat({ max: 12 }), async (steps, prefetch) => {
      const broker = new Broker();
      const passing: { readonly tag: number; readonly done: (isPassedOn: boolean) => void }[] = [];
      let nextGet: Promise<AmqpMessage> | undefined;
      const channel = {
        once: () => {},
        on: () => {},
        consume: async (_: string, onMessage: (message: AmqpMessage) => unknown) => {
          broker.onMessage = onMessage;
          return { consumerTag: 'c' };
        },
        cancel: async () => ({}),
        get: () => nextGet,
        ack: (message: AmqpMessage, all = false) => broker.settle(message.fields.deliveryTag, all, 'ack'),
        ackAll: () => broker.settle(0, true, 'ack'),
        nack: (message: AmqpMessage, all = false) => broker.settle(message.fields.deliveryTag, all, 'nack'),
        nackAll: () => broker.settle(0, true, 'nack'),
        reject: (message: AmqpMessage) => broker.settle(message.fields.deliveryTag, false, 'nack'),
      } as unknown as AmqpChannel;
      const mode = {
        ownQueue: (queue: string) => queue,
        owner: (_: string, { properties }: AmqpMessage): Owner => ({
          kind: properties.headers?.kind as Kind,
          reason: 'test',
          to: { exchange: '', routingKey: '', queue: '' },
        }),
      } as unknown as Mode;
      const state = {
        open: async () => channel,
        astray: {
          passOn: ({ fields }: AmqpMessage) =>
            new Promise<boolean>((done) => passing.push({ tag: fields.deliveryTag, done })),
        },
      } as unknown as ConnectionState;
      const consumers = new Consumers(coloring, channel, mode, state, new Scope('test'));
      if (prefetch > 0) consumers.foreign.setPrefetch(prefetch);
      const app = settlements(channel, consumers);
      /** What the application was given and has not settled. */
      let held: AmqpMessage[] = [];
      const consumer = consumers.want('q', (message) => message && held.push(message), undefined);
      await consumers.read(consumer);
      consumers.keep(consumer);
      const allow = (messages: readonly AmqpMessage[], how: 'ack' | 'nack') => {
        for (const { fields } of messages) broker.allowed.set(fields.deliveryTag, how);
        held = held.filter((message) => !messages.includes(message));
      };
      const turns = async () => {
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      };
      const taking: Promise<unknown>[] = [];
      for (const now of steps) {
        switch (now.do) {
          case 'deliver':
            broker.deliver(now.kind);
            break;
          case 'get': {
            // amqplib tells of it a turn later, when what came behind it has been handed out already.
            const first = broker.message(now.kind);
            nextGet = Promise.resolve(first);
            const taken = consumers.getPlain('q', undefined);
            taking.push(
              now.kind === 'own'
                ? taken.then((message) => message && held.push(message))
                : taken
                    .then(
                      (message) =>
                        message &&
                        consumers.receiver.isOurs(
                          'q',
                          message,
                          undefined,
                          undefined,
                          consumers.tally('q', 'q'),
                        ),
                    )
                    .then((isOurs) => isOurs && held.push(first)),
            );
            for (const other of now.meanwhile) broker.deliver(other);
            break;
          }
          case 'flush':
            consumers.foreign.flush();
            break;
          case 'passed': {
            const next = passing.shift();
            if (next === undefined) break;
            if (now.isPassedOn) broker.passedOn.add(next.tag);
            next.done(now.isPassedOn);
            break;
          }
          case 'ackAll':
          case 'nackAll':
            allow(held, now.do === 'ackAll' ? 'ack' : 'nack');
            if (now.do === 'ackAll') app.ackAll();
            else app.nackAll();
            break;
          default: {
            const message = held[now.at % Math.max(1, held.length)];
            if (message === undefined) break;
            const tag = message.fields.deliveryTag;
            const upTo = held.filter(({ fields }) => fields.deliveryTag <= tag);
            if (now.do === 'ack') {
              allow([message], 'ack');
              app.ack(message);
            }
            if (now.do === 'nack') {
              allow([message], 'nack');
              app.nack(message);
            }
            if (now.do === 'reject') {
              allow([message], 'nack');
              app.reject(message, true);
            }
            if (now.do === 'ackUpTo') {
              allow(upTo, 'ack');
              app.ack(message, true);
            }
            if (now.do === 'nackUpTo') {
              allow(upTo, 'nack');
              app.nack(message, true);
            }
          }
        }
        if (now.do !== 'deliver') await turns();
        expect(broker.faults).toEqual([]);
      }
      for (const { tag, done } of passing.splice(0)) {
        broker.passedOn.add(tag);
        done(true);
      }
      await turns();
      await Promise.all(taking);
      consumers.foreign.flush();
      expect(broker.faults).toEqual([]);
      // What is left is in the application's hands, and all of that.
      expect([...broker.unsettled.keys()].sort((a, b) => a - b)).toEqual(
        held.map(({ fields }) => fields.deliveryTag).sort((a, b) => a - b),
      );
    }),
    { numRuns: 500 },
  );
});
