import { inAdmitted, runInFlow } from '../../message/index.js';
import type { EachBatchPayloadLike, EachMessagePayloadLike, MessageLike } from '../client-types.js';
import { runInDrain } from '../leaving/drain-context.js';
import type { HeldPartition } from '../partitions/held-partition.js';
import type { BatchMember } from './batch-member.js';
import { ColorReader } from './color-reader.js';
import { handOut } from './hand-out.js';
import { inMessageSpan, isTraced } from './message-span.js';
import { settles } from './settles.js';
import { inTurn } from './turns.js';

/** KafkaJS asks the clock for each message whether a heartbeat is due; every 100 ms is soon enough. */
const HEARTBEAT_CHECK_MS = 100;
const LONG_RUN = 1_024;

type Handler = (payload: EachMessagePayloadLike) => Promise<void>;

/**
 * `eachMessage` over the client's `eachBatch`, with the semantics of KafkaJS's own: resolve, heartbeat and
 * automatic commit after each message, and an end at a stop, a seek or a pause.
 */
export async function eachMessage(
  member: BatchMember,
  held: HeldPartition,
  payload: EachBatchPayloadLike,
  handler: Handler,
): Promise<void> {
  const { batch } = payload;
  const { topic, partition } = batch;
  const { coloring, steps, pauses, run, turns, policy } = member;
  const colors = new ColorReader(coloring.carriers);
  const commits =
    run.autoCommit !== false && (run.autoCommitInterval != null || run.autoCommitThreshold != null);
  const byHand = run.autoCommit === false;
  const heartbeat = (): Promise<void> => payload.heartbeat();
  const pause = (): (() => void) => {
    pauses.pause([{ topic, partitions: [partition] }]);
    return () => pauses.resume([{ topic, partitions: [partition] }]);
  };
  const { seeks } = member;
  const isWanted = (): boolean =>
    payload.isRunning() && held.current && held.open && !(member.seeks !== seeks && payload.isStale());
  const failed = (error: unknown): void => member.threw(held, error);
  const { groupId: group } = member.session;
  const traced = isTraced();
  const handle = (message: MessageLike): Promise<void> => {
    const given = { topic, partition, message, heartbeat, pause };
    return member.drains ? runInDrain({ brokerGroup: group }, () => handler(given)) : handler(given);
  };
  let beat = Date.now();
  let skipped = 0;
  let handled = 0;
  /** The last of a run of messages that were passed over, which is resolved as one. */
  let passed: string | undefined;
  const resolvePassed = (): void => {
    if (passed !== undefined) payload.resolveOffset(passed);
    passed = undefined;
  };

  try {
    for (const message of batch.messages) {
      if (!payload.isRunning() || !held.current) return;
      if (member.seeks !== seeks && payload.isStale()) return;
      if (held.wantsGap) {
        resolvePassed();
        await held.gap(payload);
      }
      if (!held.open) return;
      const { offset, headers } = message;
      const color = colors.read(headers);
      const { flow } = colors;
      let verdict =
        color === undefined && steps.color === undefined ? 'own' : steps.verdict(held, color, offset);
      if (verdict === 'undecided') {
        resolvePassed();
        if (await settles(member, held, color ?? '', offset, payload))
          verdict = steps.verdict(held, color, offset);
      }
      if (verdict === 'foreign') {
        held.passed(offset);
        if (byHand) held.passedOver(offset);
        passed = offset;
        if (++skipped % LONG_RUN === 0) await payload.heartbeat();
        continue;
      }
      if (verdict === 'stop') return held.reached();
      if (verdict === 'undecided') return member.undecided(held, color ?? '', offset);
      resolvePassed();
      const isHandled = await inTurn(turns, {
        heartbeat,
        isWanted,
        failed,
        handle: () => {
          if (byHand) handOut(member, held, offset);
          const given = policy?.admit(message, flow, topic);
          const inColor = (): Promise<void> =>
            given === undefined
              ? runInFlow(coloring, headers, flow, () => handle(message))
              : inAdmitted(coloring, given, () => handle(given.message));
          if (!traced) return inColor();
          const reason = color === undefined ? 'no-color' : steps.owner(held, color, BigInt(offset)).reason;
          const shown = given?.isRefused === true ? undefined : color;
          return inMessageSpan({ topic, partition, offset, headers, group, color: shown, reason }, inColor);
        },
      });
      if (!isHandled) return;
      handled++;
      if (!held.current) return;
      if (member.seeks === seeks || !payload.isStale()) held.passed(offset);
      payload.resolveOffset(offset);
      const now = Date.now();
      if (now - beat >= HEARTBEAT_CHECK_MS) {
        beat = now;
        await payload.heartbeat();
      }
      if (commits) await payload.commitOffsetsIfNecessary();
      if (pauses.isPaused(topic, partition)) return;
    }
    const last = batch.lastOffset();
    if (member.seeks === seeks || !payload.isStale()) held.passed(last);
  } finally {
    if (held.current) resolvePassed();
    member.tally.skip(topic, skipped);
    member.tally.handle(topic, handled);
  }
}
