import type { Logger } from '@colorway/core/background';
import { coloredKafka } from '@colorway/mq/kafka';
import { memoryBroker } from '@colorway/mq/memory';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import type { AssignerFactory } from '../../src/kafka/client-types.js';
import { pause, until } from './shop.js';

type Config = { groupId: string; partitionAssigners?: AssignerFactory[] };

test('a commit that the broker refuses is told once, with the right that is missing, and tried ever more seldom', async () => {
  const broker = memoryBroker();
  let refuses = true;
  let tries = 0;
  /** The way by which the adapter commits without a batch, with a broker that refuses. */
  const refusing = (config: Config): Config => ({
    ...config,
    partitionAssigners: (config.partitionAssigners ?? []).map((factory) => (given) => {
      const findGroupCoordinator: typeof given.cluster.findGroupCoordinator = async (group) => {
        const coordinator = await given.cluster.findGroupCoordinator(group);
        if (!refuses) return coordinator;
        tries++;
        const error = Object.assign(new Error('Not authorized'), { type: 'GROUP_AUTHORIZATION_FAILED' });
        return { offsetCommit: () => Promise.reject(error) };
      };
      return factory({
        ...given,
        cluster: Object.assign(Object.create(given.cluster) as typeof given.cluster, {
          findTopicPartitionMetadata: (topic: string) => given.cluster.findTopicPartitionMetadata(topic),
          findGroupCoordinator,
        }),
      });
    }),
  });
  const client = { ...broker, consumer: (config: Config) => broker.consumer(refusing(config)) };
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const directory = memoryDirectory();
  const make = (color = '') => createColoring({ service: 'stock', color, directory, logger });
  const base = make();
  const red = make('red');
  await red.environments.ensure('red', { owner: 'test' });
  const start = async (coloring: typeof base, kafka: typeof broker) => {
    const consumer = coloredKafka(coloring, kafka as never as typeof broker).consumer({
      groupId: 'GID_order',
    });
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
    await consumer.run({ eachMessage: () => Promise.resolve() });
    return consumer;
  };
  const consumers = [await start(base, client as never), await start(red, broker)];
  try {
    const waiting = () => base.mq.status().consumers[0]?.partitions[0]?.waiting;
    await until('it is said', () => waiting()?.for === 'commit-refused');
    expect(waiting()?.remedy).toContain('READ on group "GID_order"');
    const told = () => lines.filter((line) => line.startsWith('COLORWAY_HANDOVER_FAILED'));
    expect(told()).toHaveLength(1);
    expect(told()[0]).toContain('Not authorized. Give the client the right READ');
    await pause(3_000);
    expect(tries).toBeLessThan(15);
    expect(told()).toHaveLength(1);
    refuses = false;
    await until('it works again', () => base.mq.status().handovers[0]?.state === 'active');
    expect(waiting()).toBeUndefined();
    expect(told()).toHaveLength(2);
  } finally {
    for (const consumer of consumers) await consumer.disconnect();
    await Promise.all([base.close(), red.close()]);
    await broker.close();
  }
}, 60_000);
