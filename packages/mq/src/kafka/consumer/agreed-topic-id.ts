import { quote } from '@colorway/core';
import { within } from '@colorway/core/background';
import type { BrokerLike, ClusterLike } from '../client-types.js';
import { NotNow } from '../partitions/partition-steps.js';
import { topicAt } from './topic-id.js';

/** KafkaJS's cluster; not every client has it. */
interface BrokerFinder {
  readonly findBroker?: (node: { readonly nodeId: number }) => Promise<BrokerLike>;
}

/** One that does not answer has no say. */
const ANSWER_MS = 5_000;

/**
 * The id of a topic; `undefined` where it is not known. Brokers hear of a topic that was made again one after the other, and
 * one that has not yet tells the id of before: to begin again there would be to go back to a topic that is gone. So an id that
 * is new to those who ask counts when all brokers tell it.
 *
 * @param known the ids for which the directory has colors; none for who has nothing to lose.
 * @throws NotNow while the brokers tell different ids.
 */
export async function agreedTopicId(
  cluster: ClusterLike,
  coordinator: BrokerLike,
  topic: string,
  known: ReadonlySet<string>,
): Promise<string | undefined> {
  const { id, brokers } = await topicAt(coordinator, topic);
  if (id === undefined || [...known].every((one) => one === id)) return id;
  const answers = await Promise.all(brokers.map((nodeId) => idFrom(cluster, nodeId, topic)));
  if (answers.every((answer) => answer === undefined || answer === id)) return id;
  throw new NotNow(
    `Topic ${quote(topic)} was made again, or a broker is behind: not all brokers tell the same id of it yet.`,
  );
}

async function idFrom(cluster: ClusterLike, nodeId: number, topic: string): Promise<string | undefined> {
  const ask = async (): Promise<string | undefined> => {
    const broker = await (cluster as BrokerFinder).findBroker?.({ nodeId });
    return broker && (await topicAt(broker, topic)).id;
  };
  // A broker that cannot be reached is away, or is being started: it hears of the latest before it serves.
  return within(ANSWER_MS, ask(), () => new Error('late')).catch(() => undefined);
}
