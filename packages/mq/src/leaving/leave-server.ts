import type { Color, OnLeave, SubscriptionTarget } from '@colorway/core';

/** What a running consumer does for a color that leaves its group or queue. */
export interface LeaveServer extends SubscriptionTarget {
  /**
   * Brings the color to its end at the broker: resolves when nothing of it is left there. Several processes
   * do it at once, and it may be begun anew: every step can be repeated. Rejects to be called again in a second.
   */
  leave(work: LeaveWork): Promise<void>;
}

/** One color that leaves. */
export interface LeaveWork {
  readonly color: Color;
  readonly onLeave: OnLeave;
  /** The consumer goes, the coloring closes, or the color has left by another's work: stop. */
  readonly signal: AbortSignal;
  /** What is left to do, for people; kept at most once a second. `waitingFor: undefined` for nothing. */
  progress(told: { readonly remaining?: number; readonly waitingFor?: string | undefined }): void;
  /** Says, before they are given up, how many messages of a part (a partition; `0` for a queue) that is. Said anew, it replaces. */
  discarding(part: string | number, messages: number): Promise<void>;
}
