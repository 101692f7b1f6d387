import type { Color, OnLeave, Subscription, SubscriptionTarget, ToldProgress } from '@colorway/core';

/**
 * What a running consumer does for a color that leaves its group or queue, whichever service's subscription it is: a
 * group is served by whoever lives in it.
 */
export interface LeaveServer extends SubscriptionTarget {
  /**
   * `cluster` is a name, and no identity: what was left at a broker of another name, of which nobody was heard for long, is
   * brought to its end at this one too. Default false: it is only recorded as left.
   */
  readonly mayBeRenamed?: boolean;
  /**
   * Brings the color to its end at the broker: resolves when nothing of it is left there. Several processes
   * do it at once, and it may be begun again: every step can be repeated. A rejection is a failure: it is reported,
   * stands in the status and in what the subscription waits for, and is tried again with a back-off.
   */
  leave(work: LeaveWork): Promise<void>;
}

/**
 * Ends leaves with `discard` of whatever group or queue of the coloring's own service, without a consumer of it: by the
 * broker's administration alone.
 */
export interface DiscardServer {
  /** `kafka`, `amqp`, ... */
  readonly broker: string;
  readonly cluster?: string;
  /** As {@link LeaveServer.mayBeRenamed}. */
  readonly mayBeRenamed?: boolean;
  leave(work: LeaveWork): Promise<void>;
}

/** One color that leaves. */
export interface LeaveWork {
  readonly color: Color;
  /** What leaves, and whose it is, as it stood when the work began. */
  readonly subscription: Subscription;
  /** It does not change: where a drain becomes a discard, `signal` is aborted, and `leave` is called again. */
  readonly onLeave: OnLeave;
  /** The consumer goes, the coloring closes, the color has left by another's work, or is to be discarded now: stop. */
  readonly signal: AbortSignal;
  /** Whether this very subscription still leaves. Linearizable. */
  isLeaving(): Promise<boolean>;
  /**
   * What is left to do, for people; kept at most once a second. `waitingFor: undefined` for nothing. A `remedy` says what
   * to do about it, in a sentence; without one, time alone ends the wait.
   */
  progress(told: Partial<ToldProgress>): void;
  /** Says, before they are given up, how many messages of a part (a partition; `0` for a queue) that is. Said again, it replaces. */
  discarding(part: string | number, messages: number): Promise<void>;
}
