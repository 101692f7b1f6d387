import { coloredKafka, mqStatus } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import { type MemoryDirectory, memoryDirectory } from '@colorway/registry/memory';
import { Kafka, logLevel } from 'kafkajs';

/** No broker is asked: what is wrong is said before. */
describe('what cannot work is said at the start', () => {
  const kafka = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  let directory: MemoryDirectory;
  const closes: (() => Promise<void>)[] = [];
  beforeEach(() => {
    directory = memoryDirectory();
  });
  afterEach(async () => {
    for (const close of closes.splice(0)) await close();
  });

  function coloring(color = '', given: Partial<MemoryDirectory> = directory) {
    const made = createColoring({ service: 'stock', color, directory: given as MemoryDirectory });
    closes.push(() => made.close());
    return made;
  }

  test('a directory without state', () => {
    const { instances, close } = directory;
    const wrapped = coloredKafka(coloring('', { instances, close }), kafka);
    expect(() => wrapped.consumer({ groupId: 'GID_order' })).toThrow(
      expect.objectContaining({ code: 'COLORWAY_STATE_MISSING' }),
    );
    expect(wrapped.producer()).toBeDefined();
  });

  test('an environment that does not exist', async () => {
    const consumer = coloredKafka(coloring('red'), kafka).consumer({ groupId: 'GID_order' });
    await expect(consumer.run({ eachMessage: async () => {} })).rejects.toMatchObject({
      code: 'COLORWAY_ENVIRONMENT_UNKNOWN',
      message: expect.stringContaining('GID_red_order'),
    });
  });

  test('a group whose name is too long in some color', async () => {
    const consumer = coloredKafka(coloring(), kafka).consumer({ groupId: `GID_${'x'.repeat(240)}` });
    await expect(consumer.run({ eachMessage: async () => {} })).rejects.toMatchObject({
      code: 'COLORWAY_GROUP_NAME',
    });
    const red = coloredKafka(coloring('red'), kafka);
    expect(() => red.consumer({ groupId: `GID_${'x'.repeat(245)}` })).toThrow(/Shorten/);
  });

  test('two groups of one name in a color, in one process and in two', async () => {
    await directory.state.create('mq-names/kafka/GID_c_order', JSON.stringify({ group: 'order' }));
    const consumer = coloredKafka(coloring(), kafka).consumer({ groupId: 'GID_order' });
    await expect(consumer.run({ eachMessage: async () => {} })).rejects.toMatchObject({
      code: 'COLORWAY_GROUP_NAME',
      message: expect.stringContaining('"order"'),
    });
  });

  test('the same client but for producer and consumer, and a status before anything runs', () => {
    const made = coloring();
    const wrapped = coloredKafka(made, kafka);
    expect(wrapped).toBeInstanceOf(Kafka);
    expect(wrapped.logger()).toBe(kafka.logger());
    expect(mqStatus(made)).toEqual({ consumers: [], handovers: [] });
  });
});
