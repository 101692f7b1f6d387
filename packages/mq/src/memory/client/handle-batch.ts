import type { PausedTopics } from './paused-topics.js';
import type { Positions } from './positions.js';
import type { MemoryBatch, MemoryRunConfig } from './types.js';

/** What a batch is handled with. */
export interface BatchWork {
  readonly run: MemoryRunConfig;
  readonly positions: Positions;
  readonly paused: PausedTopics;
  readonly isRunning: () => boolean;
  readonly heartbeat: () => Promise<void>;
  readonly resumed: () => void;
}

/** Calls the handler for one batch, and resolves and commits as KafkaJS does around it. */
export async function handleBatch(work: BatchWork, batch: MemoryBatch): Promise<void> {
  const { run, positions } = work;
  const autoCommits = run.autoCommit !== false;
  try {
    if (run.eachMessage) await eachMessage(work, batch, run.eachMessage);
    else if (run.eachBatch) await eachBatch(work, batch, run.eachBatch);
  } catch (error) {
    // What was handled before it is committed; what failed comes again.
    if (autoCommits) await positions.commit();
    throw error;
  }
  if (autoCommits) await positions.commit();
  await work.heartbeat();
}

async function eachMessage(
  { run, positions, paused, isRunning, heartbeat, resumed }: BatchWork,
  { topic, partition, messages }: MemoryBatch,
  handler: NonNullable<MemoryRunConfig['eachMessage']>,
): Promise<void> {
  const pause = pauseOf(paused, topic, partition, resumed);
  for (const message of messages) {
    if (!isRunning() || positions.isSought(topic, partition)) return;
    await handler({ topic, partition, message, heartbeat, pause });
    if (!isRunning()) return;
    positions.resolve(topic, partition, message.offset);
    await heartbeat();
    if (run.autoCommit !== false) await positions.commitIfNecessary();
    if (paused.has(topic, partition)) return;
  }
}

async function eachBatch(
  { run, positions, paused, isRunning, heartbeat, resumed }: BatchWork,
  batch: MemoryBatch,
  handler: NonNullable<MemoryRunConfig['eachBatch']>,
): Promise<void> {
  const { topic, partition } = batch;
  await handler({
    batch,
    resolveOffset: (offset) => positions.resolve(topic, partition, offset),
    heartbeat,
    pause: pauseOf(paused, topic, partition, resumed),
    commitOffsetsIfNecessary: (offsets) =>
      offsets === undefined ? positions.commitIfNecessary() : positions.commit(offsets),
    uncommittedOffsets: () => positions.uncommitted(),
    isRunning,
    isStale: () => positions.isSought(topic, partition),
  });
  if (run.eachBatchAutoResolve !== false) positions.resolve(topic, partition, batch.lastOffset());
}

function pauseOf(
  paused: PausedTopics,
  topic: string,
  partition: number,
  resumed: () => void,
): () => () => void {
  const topics = [{ topic, partitions: [partition] }];
  return () => {
    paused.pause(topics);
    return () => {
      paused.resume(topics);
      resumed();
    };
  };
}
