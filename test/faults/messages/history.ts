/** One message, as its producer knows it. Times are milliseconds since the epoch, of one machine's clock. */
export interface Produced {
  readonly id: string;
  readonly color: string | undefined;
  readonly sentAt: number;
  /** When the broker had confirmed it; without that it may be there or not. */
  readonly confirmedAt?: number;
}

/** One line of the journal: a consumer handled a message, and will acknowledge it now. */
export interface Handled {
  readonly id: string;
  /** Of the message. */
  readonly color?: string;
  /** The color that was active in the handler. */
  readonly active?: string;
  /** The color of the consumer's process; none for the baseline. */
  readonly side?: string;
  /** The process, as the schedule names it. */
  readonly by: string;
  readonly pid: number;
  readonly at: number;
  /** Topic, partition and offset, or the queue. */
  readonly from?: string;
}

/** A disturbance after which the broker may deliver again what was in hand. */
export interface Excuse {
  /** Whose consumer group or queue: a color, `''` for the baseline, or `drain/<color>` for those who drain a color. */
  readonly group: string;
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

/**
 * A consumer was ended or paused, or lost a partition before the application had committed what it had handled, so that
 * messages may be delivered again; and they changed sides then: its color left and was drained, or the color joined.
 * The broker's own redelivery, and the only one that may cross over.
 */
export interface Crossing {
  readonly color: string;
  /** By name; `undefined` where it may be any, because the broker was killed. */
  readonly victim: string | undefined;
  readonly from: number;
  readonly to: number;
}

/** A color took part in the hand-over: from active until somebody began to take it out. */
export interface Tenure {
  readonly color: string;
  readonly from: number;
  readonly to?: number;
}

/** Everything that is known of a run when it is over. */
export interface History {
  readonly produced: readonly Produced[];
  readonly handled: readonly Handled[];
  readonly excuses: readonly Excuse[];
  readonly crossings: readonly Crossing[];
  readonly tenures: readonly Tenure[];
}
