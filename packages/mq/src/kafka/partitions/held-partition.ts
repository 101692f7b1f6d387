import type { Color } from '@colorway/core';
import type { FenceTable } from '../../ownership/fences.js';
import { parseOffset } from '../../ownership/offset.js';
import type { Proof } from '../../ownership/proof.js';
import { areTwoLogs } from '../../ownership/renewal.js';
import type { EachBatchPayloadLike } from '../client-types.js';
import type { TopicHandover } from '../handover/topic-handover.js';
import type { Verdict } from '../messages/verdict.js';
import { OwnMessages } from './own-messages.js';

/** Messages of a color that leaves are counted here, and handled by nobody. */
export interface Discarding {
  readonly from: bigint;
  messages: number;
}

/** What is done between two messages, with the batch's payload where one is being handled. */
type Work = (payload: EachBatchPayloadLike | undefined) => Promise<void>;

/** A partition that was assigned to this consumer, in one generation of its group. */
export class HeldPartition {
  readonly handover: TopicHandover;
  readonly topic: string;
  readonly partition: number;
  readonly proofs = new Map<Color, Proof>();
  /** The id of the topic that the position is of, where it is known. */
  log: string | undefined;
  /** A batch came that may be of another one. */
  logIsDoubtful = false;
  /** The directory was read after the partition was assigned. */
  refreshed = false;
  /** It belongs to the assignment that stands. */
  current = true;
  /** Messages may be taken. */
  open = true;
  /** The client was told not to fetch from it. */
  paused = false;
  /** When a batch came last, or it became known how far it is to be read. */
  readAt = performance.now();
  /** A fence is due, and the generation is not known. */
  owesFenceSince: number | undefined;
  /** Colored: the start to be committed before the first message. */
  start: bigint | undefined;
  /** Colored: a batch from here was not taken, for it lies behind the start. */
  refusedFrom: bigint | undefined;
  /** The group's committed offset as far as is known. */
  committed: bigint | undefined;
  /** Where the log begins, when that was last asked. */
  logStart: bigint | undefined;
  logAskedAt: number | undefined;
  /** Steps that failed one after the other, of all colors. */
  failures = 0;
  /** Why no step can be taken, and what to do about it. */
  trouble: { readonly why: string; readonly remedy: string; readonly since: number } | undefined;
  /** Nothing is left to do in it for a color that leaves. */
  finished = false;
  /** Set while messages are given up. */
  discarding: Discarding | undefined;
  /** The end of the log when it was last read, as text. */
  end: string | undefined;
  /** Why it waits, for people. */
  waiting: string | undefined;
  waitingSince = 0;
  /** The last verdict that holds for all that follows it, while the table stands. */
  lately:
    | { readonly color: Color; readonly table: FenceTable; readonly from: string; readonly verdict: Verdict }
    | undefined;
  /** The message that it waits for, told apart by color and offset. */
  undecided: { readonly color: Color; readonly offset: bigint } | undefined;
  #own = new OwnMessages();
  /** The offset of the last message handled or skipped, as text: a number is made of it when one is needed. */
  #last: string | undefined;
  #position: bigint | undefined;
  #until: bigint | undefined;
  #inBatch = false;
  readonly #atGap: Work[] = [];
  #exclusive: Promise<void> | undefined;
  #committing: Promise<void> | undefined;
  #soughtAnywhere = false;
  #settled: (() => void) | undefined;

  constructor(handover: TopicHandover, partition: number) {
    this.handover = handover;
    this.topic = handover.topic;
    this.partition = partition;
  }

  /** The offset of the next message; `undefined` while that is not known. */
  get position(): bigint | undefined {
    if (this.#last !== undefined) {
      this.#position = BigInt(this.#last) + 1n;
      this.#last = undefined;
    }
    return this.#position;
  }

  set position(position: bigint | undefined) {
    this.#last = undefined;
    this.#position = position;
  }

  /** The last message that a handler got, where commits are the application's own. */
  get lastOwn(): bigint | undefined {
    return this.#own.last;
  }

  /** A handler gets a message. */
  handedOut(offset: bigint): void {
    this.#own.add(offset, this.position);
  }

  /** Somebody else's message came: see `OwnMessages.passedOver`. */
  passedOver(offset: string): void {
    this.#own.passedOver(offset);
  }

  /** The last message below a boundary that a handler got: what is at or above it is somebody else's. */
  lastOwnBelow(boundary: bigint | undefined): bigint | undefined {
    return this.#own.lastBelow(boundary);
  }

  /** Everything up to this message is handled or skipped. */
  passed(offset: string): void {
    this.#last = offset;
  }

  /** Colored: nothing is taken from here on. */
  get until(): bigint | undefined {
    return this.#until;
  }

  set until(until: bigint | undefined) {
    if (until !== this.#until) this.readAt = performance.now();
    this.#until = until;
  }

  /** Nothing is left below `until`. */
  reached(): void {
    if (this.until !== undefined) this.position = this.until;
  }

  /** The user moved it; `undefined` for one of Kafka's special offsets. */
  sought(offset: string): void {
    this.position = parseOffset(offset);
    this.#soughtAnywhere = this.position === undefined;
    if (this.position !== undefined) this.#skippedTo(this.position);
  }

  /** A batch came, from here on. */
  beginsAt(offset: bigint): void {
    if (this.position !== undefined) return;
    this.position = offset;
    if (this.#soughtAnywhere) this.#skippedTo(offset);
    this.#soughtAnywhere = false;
  }

  /** Which topic it is, as was asked after the directory was read; all places are of that one, or they are not known. */
  isOf(log: string | undefined): void {
    if (areTwoLogs(this.log, log)) this.beginsAgain(log as string);
    else this.log ??= log;
    this.refreshed = true;
  }

  /** The topic is another one: all places that were known are of the one that is gone. */
  beginsAgain(log: string): void {
    this.log = log;
    this.logIsDoubtful = false;
    this.position = undefined;
    this.committed = undefined;
    this.start = undefined;
    this.logStart = undefined;
    this.#own = new OwnMessages();
  }

  /** What the user jumped over is his to commit, or not. */
  #skippedTo(offset: bigint): void {
    if (this.lastOwn === undefined || this.lastOwn < offset - 1n) this.#own.add(offset - 1n, this.position);
  }

  /** A commit of the adapter's own; there is one at a time. */
  async committing<T>(commit: () => Promise<T>): Promise<T> {
    while (this.#committing !== undefined) await this.#committing;
    const done = commit();
    const settled = done.then(
      () => {},
      () => {}, // It is the caller's to handle.
    );
    this.#committing = settled;
    try {
      return await done;
    } finally {
      this.#committing = undefined;
    }
  }

  /** Resolves when no commit of the adapter's own is under way. */
  async quiet(): Promise<void> {
    while (this.#committing !== undefined) await this.#committing;
  }

  wait(reason: string): void {
    if (this.waiting === reason) return;
    this.waiting = reason;
    this.waitingSince = performance.now();
  }

  goOn(): void {
    this.waiting = undefined;
    this.undecided = undefined;
  }

  /** It was opened or closed for good. */
  settle(): void {
    this.#settled?.();
    this.#settled = undefined;
  }

  /** Until it was opened or closed for good, but not for long. */
  settled(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#settled = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Messages of it are being handled. */
  get isInHand(): boolean {
    return this.#inBatch;
  }

  /** Something is to be done between two messages. */
  get wantsGap(): boolean {
    return this.#atGap.length > 0;
  }

  /**
   * Runs `work` with no message in hand: at once, or after the message (the batch, for `eachBatch`) that is. What
   * several ask for is done one after the other.
   */
  between(work: Work): Promise<void> {
    if (this.#inBatch) {
      return new Promise((resolve, reject) => {
        this.#atGap.push((payload) => work(payload).then(resolve, reject));
      });
    }
    const done =
      this.#exclusive === undefined ? work(undefined) : this.#exclusive.then(() => work(undefined));
    const settled = done
      .catch(() => {}) // It is the caller's to handle, who has `done`.
      .finally(() => {
        if (this.#exclusive === settled) this.#exclusive = undefined;
      });
    this.#exclusive = settled;
    return done;
  }

  async gap(payload: EachBatchPayloadLike): Promise<void> {
    for (let work = this.#atGap.shift(); work !== undefined; work = this.#atGap.shift()) await work(payload);
  }

  async enter(): Promise<void> {
    while (this.#exclusive !== undefined) await this.#exclusive;
    this.#inBatch = true;
    this.readAt = performance.now();
  }

  async exit(payload: EachBatchPayloadLike): Promise<void> {
    try {
      await this.gap(payload);
    } finally {
      this.#inBatch = false;
      this.readAt = performance.now();
      // Asked for while the last one ran: there is no batch any more.
      // Who asked is told of a failure by `late` itself.
      for (const late of this.#atGap.splice(0)) void this.between(() => late(undefined)).catch(() => {});
    }
  }
}
