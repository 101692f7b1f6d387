import {
  activeContext,
  type Coloring,
  detached,
  flowTypeOfColor,
  runInContext,
  trustBaggage,
  withColor,
  withFlowType,
  withRefusedCarriers,
} from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { memoryBroker } from '@colorway/mq/memory';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { propagation } from '@opentelemetry/api';
import type { HeadersLike, ProducerClient } from '../../src/kafka/client-types.js';
import { coloredKafka } from '../../src/kafka/index.js';
import { wrapProducer } from '../../src/kafka/producer/wrap-producer.js';
import { until } from './until.js';

setupContext();

const refused = <T>(fn: () => T): T => runInContext(withRefusedCarriers(activeContext()), fn);

let coloring: Coloring;
beforeEach(() => {
  coloring = createColoring({ service: 'order', color: '', directory: memoryDirectory() });
});
afterEach(() => coloring.close());

describe('a consumer that is run where a request is served whose carriers were refused', () => {
  test.each(['eachMessage', 'eachBatch'] as const)('%s copies colored messages as they are', async (how) => {
    const broker = memoryBroker();
    const kafka = coloredKafka(coloring, broker);
    const consumer = kafka.consumer({ groupId: 'GID_order' });
    const producer = kafka.producer();
    await producer.connect();
    const copy = (headers: HeadersLike | undefined) =>
      producer.send({ topic: 'retries', messages: [{ value: 'copy', ...(headers && { headers }) }] });
    try {
      await refused(async () => {
        await consumer.connect();
        await consumer.subscribe({ topic: 'orders', fromBeginning: true });
        await consumer.run(
          how === 'eachMessage'
            ? // In no color, so that what the headers say is what is sent.
              {
                eachMessage: async ({ message }) =>
                  void (await withColor(undefined, () => copy(message.headers))),
              }
            : {
                eachBatch: async ({ batch }) => {
                  for (const { headers } of batch.messages) await copy(headers);
                },
              },
        );
      });
      await producer.send({ topic: 'orders', messages: [{ value: 'a', headers: { DMQ_ENV_TAG: 'red' } }] });
      await until('it is copied', async () => (await broker.messages('retries')).length === 1);
      const [copied] = await broker.messages('retries');
      expect(String(copied?.headers?.DMQ_ENV_TAG)).toBe('red');
    } finally {
      await consumer.disconnect();
      await broker.close();
    }
  });
});

describe('a message without a color, sent where one was not accepted', () => {
  afterEach(() => trustBaggage(undefined));

  /** What an instrumentation would write into the headers. */
  const sent = async (send: (producer: ProducerClient) => Promise<unknown>): Promise<unknown> => {
    let baggage: unknown;
    const note = async (): Promise<never[]> => {
      baggage = propagation
        .getActiveBaggage()
        ?.getAllEntries()
        .map(([key, { value }]) => `${key}=${value}`);
      return [];
    };
    await send(wrapProducer(coloring, { send: note, sendBatch: note } as unknown as ProducerClient));
    return baggage;
  };
  const members = propagation.createBaggage({ tenant: { value: '7' } });
  const record = { topic: 'orders', messages: [{ value: 'a' }] };
  const SENDS: Readonly<Record<string, (producer: ProducerClient) => Promise<unknown>>> = {
    send: (producer) => producer.send(record as never),
    sendBatch: (producer) => producer.sendBatch({ topicMessages: [record] } as never),
  };

  test.each(Object.entries(SENDS))('keeps the other members of the baggage: %s', async (_, send) => {
    const flow = flowTypeOfColor('evil', coloring.carriers);
    const context = propagation.setBaggage(activeContext(), members);
    const brought = propagation.getBaggage(withFlowType(context, flow, coloring.carriers));
    if (brought === undefined) throw new Error('no baggage');
    const extracted = propagation.setBaggage(activeContext(), brought);
    expect(await runInContext(withRefusedCarriers(extracted), () => sent(send))).toEqual(['tenant=7']);
    trustBaggage(false);
    expect(await runInContext(extracted, () => sent(send))).toEqual(['tenant=7']);
    expect(await detached(() => sent(send))).toBeUndefined();
  });
});
