import { coloredKafka } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import { type MemoryDirectory, memoryDirectory } from '@colorway/registry/memory';
import { type ConsumerConfig, Kafka, logLevel } from 'kafkajs';

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

  /** The client with consumers that are changed, and that are given no partition assigners. */
  const withConsumer = (change: (consumer: ReturnType<Kafka['consumer']>) => object) =>
    new Proxy(kafka, {
      get: (target, name) =>
        name === 'consumer'
          ? ({ groupId }: ConsumerConfig) => change(target.consumer({ groupId }))
          : Reflect.get(target, name, target),
    });
  const running = (consumer: object) => ({
    ...consumer,
    on: () => () => {},
    run: () => new Promise(() => {}),
    stop: async () => {},
  });

  test('two groups of one name in a color, in one process', async () => {
    const wrapped = coloredKafka(coloring(), withConsumer(running));
    const run = { eachMessage: async () => {} };
    void wrapped.consumer({ groupId: 'GID_order' }).run(run);
    await expect(wrapped.consumer({ groupId: 'order' }).run(run)).rejects.toMatchObject({
      code: 'COLORWAY_GROUP_NAME',
      message: expect.stringContaining('"GID_order"'),
    });
  });

  test.each([
    ['', 'GID_order', 'red', 'GID_red_order'],
    ['red', 'GID_order', '', 'GID_red_order'],
    ['', 'GID_red_order', 'red', 'GID_order'],
    ['red', 'order', '', 'GID_red_order'],
  ])(
    'a group that is the name of another one in a color: %j %s beside %j %s',
    async (color, group, ...other) => {
      const wrapped = coloredKafka(coloring(color), withConsumer(running));
      const others = coloring(other[0]);
      await others.environments.create('red', { owner: 'ann' });
      void wrapped.consumer({ groupId: group }).run({ eachMessage: async () => {} });
      while ((await directory.state.list('mq-names/')).length === 0) await new Promise(setImmediate);
      const second = coloredKafka(others, withConsumer(running)).consumer({ groupId: other[1] });
      await expect(second.run({ eachMessage: async () => {} })).rejects.toMatchObject({
        code: 'COLORWAY_GROUP_NAME',
        message: expect.stringContaining('"GID_red_order"'),
      });
    },
  );

  test('but a name that only looks like it is nobody’s business while there is no such color', async () => {
    const wrapped = coloredKafka(coloring(), withConsumer(running));
    const outcome = jest.fn();
    for (const groupId of ['GID_payment', 'GID_order_payment']) {
      void wrapped
        .consumer({ groupId })
        .run({ eachMessage: async () => {} })
        .catch(outcome);
    }
    while ((await directory.state.list('mq-names/')).length < 2) await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(outcome).not.toHaveBeenCalled();
  });

  test('a client that does not tell what is needed, and one that hands over no cluster', async () => {
    const told = { code: 'COLORWAY_CLIENT_UNSUPPORTED', message: expect.stringContaining('kafkajs') };
    const eventless = withConsumer((consumer) => ({ ...consumer, events: { CRASH: 'consumer.crash' } }));
    expect(() => coloredKafka(coloring(), eventless).consumer({ groupId: 'GID_order' })).toThrow(
      expect.objectContaining(told),
    );
    let stopped = 0;
    const clusterless = withConsumer((consumer) => {
      const listeners: ((event: object) => void)[] = [];
      return {
        ...consumer,
        on: (event: string, listener: (event: object) => void) => {
          if (event === consumer.events.GROUP_JOIN) listeners.push(listener);
          return () => {};
        },
        run: async () => {
          for (const joined of listeners) joined({ payload: { memberId: 'm', memberAssignment: {} } });
        },
        stop: async () => {
          stopped++;
        },
      };
    });
    const consumer = coloredKafka(coloring(), clusterless).consumer({ groupId: 'GID_order' });
    await expect(consumer.run({ eachMessage: async () => {} })).rejects.toMatchObject(told);
    expect(stopped).toBe(1);
  });

  test('what is no client of the kind says what to do', () => {
    const made = coloring();
    const refused = (said: string) =>
      expect.objectContaining({
        code: 'COLORWAY_CLIENT_UNSUPPORTED',
        message: expect.stringContaining(said),
      });
    const give = (client: unknown) => () => coloredKafka(made, client as typeof kafka);
    expect(give(Promise.resolve(kafka))).toThrow(refused('Await the client first'));
    expect(give({ Producer: class {}, KafkaConsumer: class {} })).toThrow(refused('node-rdkafka'));
    expect(give(undefined)).toThrow(refused('producer()'));
    const consumer = () => coloredKafka(made, kafka).consumer({ kafkaJS: { groupId: 'GID_order' } } as never);
    expect(consumer).toThrow(refused('@confluentinc/kafka-javascript'));
  });

  test('the same client but for producer and consumer, and a status before anything runs', () => {
    const made = coloring();
    const wrapped = coloredKafka(made, kafka);
    expect(wrapped).toBeInstanceOf(Kafka);
    expect(wrapped.logger()).toBe(kafka.logger());
    expect(made.mq.status()).toEqual({ consumers: [], handovers: [], work: [] });
  });
});
