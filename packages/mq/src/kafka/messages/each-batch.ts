import type { FlowType } from '@colorway/core';
import { runOutsideRefusal } from '../../message/index.js';
import type { BatchLike, EachBatchPayloadLike, MessageLike } from '../client-types.js';
import { committing } from '../commits/commit-by-hand.js';
import { runInDrain } from '../leaving/drain-context.js';
import type { HeldPartition } from '../partitions/held-partition.js';
import type { BatchMember } from './batch-member.js';
import { ColorReader } from './color-reader.js';
import { handOut } from './hand-out.js';
import { settles } from './settles.js';
import { inTurn } from './turns.js';

type Handler = (payload: EachBatchPayloadLike) => Promise<void>;

/**
 * Hands over a batch without the messages that are not this group's, up to the first one whose owner is not
 * settled. Resolving an own message resolves what was passed over behind it, and nothing before an own one.
 */
export async function eachBatch(
  member: BatchMember,
  held: HeldPartition,
  payload: EachBatchPayloadLike,
  handler: Handler,
): Promise<void> {
  const { batch } = payload;
  const { topic, partition } = batch;
  const { pauses, run, commits, turns } = member;
  const { groupId: group } = member.session;
  const { own, flows, ends, last, cut } = select(member, held, batch);
  const skipped = ends.taken - own.length;
  member.tally.skip(topic, skipped);
  const resolve = (offset: string): void => {
    const { seeks } = member;
    const upTo = own.length === ends.taken && !cut ? offset : ends.behind(offset);
    payload.resolveOffset(upTo);
    held.passed(upTo);
    if (seeks !== member.seeks) held.position = undefined;
  };

  const lastOwn = own.at(-1);
  if (lastOwn !== undefined) {
    const { seeks } = member;
    const filteredPayload = (messages: MessageLike[]): EachBatchPayloadLike => ({
      batch: messages === own && own.length === batch.messages.length ? batch : filter(batch, messages, last),
      resolveOffset: resolve,
      heartbeat: () => payload.heartbeat(),
      pause: () => {
        pauses.pause([{ topic, partitions: [partition] }]);
        return () => pauses.resume([{ topic, partitions: [partition] }]);
      },
      commitOffsetsIfNecessary: (offsets) =>
        offsets === undefined
          ? payload.commitOffsetsIfNecessary()
          : committing(commits, group, offsets.topics ?? [], () => payload.commitOffsetsIfNecessary(offsets)),
      uncommittedOffsets: () => payload.uncommittedOffsets(),
      isRunning: () => payload.isRunning() && held.current,
      isStale: () => payload.isStale(),
    });
    const isHandled = await inTurn(turns, {
      heartbeat: () => payload.heartbeat(),
      isWanted: () => payload.isRunning() && held.current && held.open,
      failed: (error) => member.threw(held, error),
      handle: async () => {
        if (run.autoCommit === false) for (const { offset } of own) handOut(member, held, offset);
        const given = admitted(member, topic, own, flows);
        const handle = (): Promise<void> => runOutsideRefusal(() => handler(filteredPayload(given)));
        await (member.drains ? runInDrain({ brokerGroup: group }, handle) : handle());
      },
    });
    if (!isHandled) return;
    member.tally.handle(topic, own.length);
    if (!held.current) return;
    const stale = member.seeks !== seeks && payload.isStale();
    if (run.eachBatchAutoResolve !== false && last !== undefined) {
      payload.resolveOffset(last);
      if (!stale) held.passed(last);
    }
  } else if (last !== undefined) {
    payload.resolveOffset(last);
    held.passed(last);
  }
  if (cut === undefined) return;
  if (cut.color === undefined) held.reached();
  else if (!(await settles(member, held, cut.color, cut.offset, payload))) {
    if (held.current) member.undecided(held, cut.color, cut.offset);
  }
}

interface Selection {
  readonly own: MessageLike[];
  /** What each of these says; empty where nobody asks. */
  readonly flows: (FlowType | undefined)[];
  readonly ends: Ends;
  /** Where the batch ends for its reader; `undefined` when nothing of it can be taken. */
  readonly last: string | undefined;
  /** The message that it was cut at, and its color where the owner is not settled. */
  readonly cut: { readonly offset: string; readonly color: string | undefined } | undefined;
}

function select(
  { coloring, steps, run, policy }: BatchMember,
  held: HeldPartition,
  batch: BatchLike,
): Selection {
  const colors = new ColorReader(coloring.carriers);
  const byHand = run.autoCommit === false;
  const own: MessageLike[] = [];
  const flows: (FlowType | undefined)[] = [];
  const ends = new Ends();
  for (const message of batch.messages) {
    const color = colors.read(message.headers);
    const verdict =
      color === undefined && steps.color === undefined ? 'own' : steps.verdict(held, color, message.offset);
    if (verdict === 'stop' || verdict === 'undecided') {
      const cut = { offset: message.offset, color: verdict === 'undecided' ? color : undefined };
      return { own, flows, ends, last: ends.last, cut };
    }
    if (verdict === 'own') {
      own.push(message);
      if (policy !== undefined) flows.push(colors.flow);
    } else if (byHand) held.passedOver(message.offset);
    ends.take(message.offset, verdict === 'own');
  }
  ends.finish(batch.lastOffset());
  return { own, flows, ends, last: ends.last, cut: undefined };
}

/**
 * The messages as their handler gets them. It runs in no message's context, so what does not count is told by the messages
 * themselves: `inMessageContext` of such a one is in no color either.
 */
function admitted(
  { policy }: BatchMember,
  topic: string,
  own: MessageLike[],
  flows: readonly (FlowType | undefined)[],
): MessageLike[] {
  if (policy === undefined) return own;
  const given = own.map((message, at) => policy.admit(message, flows[at], topic).message);
  return given.every((message, at) => message === own[at]) ? own : given;
}

/** For each own message, the offset up to which everything behind it is passed over. */
class Ends {
  taken = 0;
  last: string | undefined;
  readonly #own: string[] = [];
  readonly #ends: string[] = [];
  #at = 0;

  take(offset: string, own: boolean): void {
    this.taken++;
    this.last = offset;
    if (own) {
      this.#own.push(offset);
      this.#ends.push(offset);
    } else if (this.#ends.length > 0) this.#ends[this.#ends.length - 1] = offset;
  }

  finish(offset: string): void {
    this.last = offset;
    if (this.#ends.length > 0) this.#ends[this.#ends.length - 1] = offset;
  }

  /** Own messages are resolved in order, as a rule: the search begins where the last one ended. */
  behind(offset: string): string {
    const found = this.#own[this.#at] === offset ? this.#at : this.#own.indexOf(offset);
    if (found === -1) return offset;
    this.#at = found + 1;
    return this.#ends[found] ?? offset;
  }
}

/** The client's batch with fewer messages; everything else is its own, but for what speaks of its end. */
function filter(batch: BatchLike, messages: MessageLike[], last: string | undefined): BatchLike {
  const end = last ?? batch.lastOffset();
  return Object.assign(Object.create(batch) as BatchLike, {
    messages,
    isEmpty: () => messages.length === 0,
    lastOffset: () => end,
    offsetLag: () => (BigInt(batch.highWatermark) - 1n - BigInt(end)).toString(),
  });
}
