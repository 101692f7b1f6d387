import type { Color, Coloring } from '@colorway/core';
import type { OnLeave } from '../ownership/handover-state.js';
import type { ConsumerConfigLike, KafkaClient, RunConfig } from './client-types.js';
import { ColoredMember } from './colored-member.js';
import type { GroupAdmin } from './group-admin.js';
import type { TopicHandover } from './topic-handover.js';

export interface DrainerOptions {
  readonly coloring: Coloring;
  readonly kafka: KafkaClient;
  readonly admin: GroupAdmin;
  readonly color: Color;
  /** Of the consumer whose handlers drain; its group does not count. */
  readonly config: Omit<ConsumerConfigLike, 'groupId'>;
  readonly topics: ReadonlyMap<string, TopicHandover>;
  readonly onLeave: OnLeave;
  /** The baseline's handlers; none are called for messages to be discarded. */
  readonly run: RunConfig;
  /** Before a partition's messages are given up: how many there are. */
  readonly onDiscard?: (topic: string, partition: number, messages: number) => void;
}

/**
 * Joins a colored group that has no members left, handles with the baseline's handlers (or counts) the
 * messages of that color below the leave fences, and goes. Resolves when it has gone.
 */
export async function drainColor(options: DrainerOptions): Promise<void> {
  const { coloring, kafka, admin, color, config, topics, onLeave, onDiscard } = options;
  const [first] = topics.values();
  if (first === undefined) return;
  const counts = new Map<string, number>();
  const discards = onLeave === 'discard';
  const counting: RunConfig = {
    // Nothing is committed before it was said how much is given up.
    autoCommit: false,
    eachMessage: async ({ topic, partition }) => {
      const key = `${topic}/${partition}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
  };
  const draining: RunConfig = {
    ...options.run,
    autoCommit: true,
    autoCommitInterval: null,
    autoCommitThreshold: null,
  };
  const finished = deferred();
  const member = new ColoredMember({
    coloring,
    kafka,
    admin,
    color,
    group: first.coloredGroup(color),
    config,
    topics,
    run: discards ? counting : draining,
    drains: true,
    discards,
    beforeEnd: ({ topic, partition }) => {
      if (discards) onDiscard?.(topic, partition, counts.get(`${topic}/${partition}`) ?? 0);
      counts.delete(`${topic}/${partition}`);
    },
    onFinished: () => finished.resolve(),
  });
  try {
    await member.consumer.connect();
    await member.consumer.subscribe({ topics: [...topics.keys()], fromBeginning: true });
    await member.run();
    await finished.promise;
  } finally {
    await member.disconnect();
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
