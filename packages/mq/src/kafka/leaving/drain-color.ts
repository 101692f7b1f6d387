import { type Color, type Coloring, ColorwayError, quote } from '@colorway/core';
import { Deferred, reasonOf, type Scope, unlessAborted } from '@colorway/core/background';
import type { OnLeave } from '../../ownership/handover-state.js';
import type { ConsumerClient, ConsumerConfigLike, KafkaClient, RunConfig } from '../client-types.js';
import { ClientConsumer } from '../consumer/client-consumer.js';
import { ColoredMember, innerRun } from '../consumer/colored-member.js';
import { watchStuck } from '../consumer/stuck-watch.js';
import type { GroupAdmin } from '../group-admin.js';
import type { TopicHandover } from '../handover/topic-handover.js';
import type { Discarded } from '../messages/discarded.js';
import type { HandlerFailures } from '../messages/handler-failures.js';
import type { Turns } from '../messages/turns.js';
import type { KafkaPolicy } from '../options.js';

export interface DrainOptions {
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
  /** Of these handlers: their consumer calls them too. */
  readonly turns?: Turns | undefined;
  readonly policy?: KafkaPolicy | undefined;
  readonly failures: HandlerFailures;
  /** Before messages are given up: how many there are. */
  readonly onDiscard: (discarded: Discarded) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Joins a colored group that has no members left, handles with the given handlers (or counts) the messages
 * of that color below the leave fences, and goes. Resolves when it has gone: when all is done, or when the signal is
 * aborted. Rejects when its consumer crashed.
 */
export async function drainColor(options: DrainOptions): Promise<void> {
  const {
    coloring,
    kafka,
    admin,
    color,
    config,
    topics,
    onLeave,
    onDiscard,
    failures,
    signal,
    turns,
    policy,
  } = options;
  const [first] = topics.values();
  if (first === undefined || signal.aborted) return;
  const ended = new Deferred();
  // What is discarded comes to no handler, so these may be anybody's; without any the client does not run.
  const handlers: RunConfig = onLeave === 'discard' ? { eachMessage: () => Promise.resolve() } : options.run;
  const member = new ColoredMember({
    ...{ coloring, kafka, admin, color, topics, onDiscard, turns, policy },
    // Whoever began the drain begins it anew after a crash, and knows of it.
    config: {
      ...config,
      retry: { retries: 5, ...config.retry, restartOnFailure: () => Promise.resolve(false) },
    },
    run: {
      ...failures.handlers(handlers),
      // As the handlers were written: what they commit by themselves reaches the drained group.
      autoCommit: handlers.autoCommit ?? true,
      autoCommitInterval: null,
      autoCommitThreshold: null,
    },
    group: first.coloredGroup(color),
    drains: true,
    onFinished: () => ended.resolve(),
  });
  const { consumer } = member;
  const client = new ClientConsumer(consumer);
  client.onCrash = ({ error }) =>
    ended.reject(
      new ColorwayError(
        'COLORWAY_DRAIN_FAILED',
        `The consumer that drains ${quote(first.coloredGroup(color))} crashed: ${reasonOf(error)}`,
        { cause: error },
      ),
    );
  let watch: Scope | undefined;
  try {
    watch = coloring.scope.child(`watch of the drain of ${color}`);
    watchStuck({
      ...{ scope: watch, coloring, group: first.coloredGroup(color), member: () => member.member },
      startAgain: async (why) => ended.reject(new ColorwayError('COLORWAY_DRAIN_FAILED', why)),
    });
    await open(consumer, [...topics.keys()], signal);
    // A client that joins cannot be stopped, so the abort waits for that too.
    await client.run({
      ...innerRun(member.member),
      eachBatch: (payload) => failures.handle(member.member, payload),
    });
    await unlessAborted(signal, ended.promise);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await watch?.dispose();
    // Before the member ends: the message in hand is handled to its end, and committed. The broker finds out by
    // itself where it cannot be told.
    await client.disconnect().catch(() => {});
    member.end();
  }
}

/** Connects and subscribes. A broker may answer when nobody waits for it any more: then the connection ends as soon as it stands. */
async function open(consumer: ConsumerClient, topics: string[], signal: AbortSignal): Promise<void> {
  const opening = (async (): Promise<void> => {
    await consumer.connect();
    signal.throwIfAborted();
    await consumer.subscribe({ topics, fromBeginning: true });
  })();
  try {
    await unlessAborted(signal, opening);
  } catch (error) {
    const end = (): Promise<void> => consumer.disconnect();
    // What fails is broken, and nobody is left to be told.
    if (signal.aborted) void opening.then(end, end).catch(() => {});
    throw error;
  }
}
