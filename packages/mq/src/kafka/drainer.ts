import type { Color, Coloring } from '@colorway/core';
import type { OnLeave } from '../ownership/handover-state.js';
import type { ConsumerConfigLike, KafkaClient, RunConfig } from './client-types.js';
import { ColoredMember } from './colored-member.js';
import type { Discarded } from './discarded.js';
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
  /** Before messages are given up: how many there are. */
  readonly onDiscard: (discarded: Discarded) => Promise<void>;
}

/**
 * Joins a colored group that has no members left, handles with the given handlers (or counts) the messages
 * of that color below the leave fences, and goes. Resolves when it has gone.
 */
export async function drainColor(options: DrainerOptions): Promise<void> {
  const { coloring, kafka, admin, color, config, topics, onLeave, onDiscard } = options;
  const [first] = topics.values();
  if (first === undefined) return;
  // What is discarded comes to no handler, so these may be anybody's; without any the client does not run.
  const handlers: RunConfig = onLeave === 'discard' ? { eachMessage: () => Promise.resolve() } : options.run;
  const run: RunConfig = {
    ...handlers,
    // As the handlers were written: what they commit by themselves reaches the drained group.
    autoCommit: handlers.autoCommit ?? true,
    autoCommitInterval: null,
    autoCommitThreshold: null,
  };
  const finished = deferred();
  const member = new ColoredMember({
    ...{ coloring, kafka, admin, color, config, topics, run, onDiscard },
    group: first.coloredGroup(color),
    drains: true,
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
