import type { KeyStatus } from './background/reconciler.js';
import type { Color } from './color.js';

/** What the consumers of a process do, and how far each color's hand-over is, as far as this process knows. */
export interface MqStatus {
  readonly consumers: readonly MqConsumer[];
  readonly handovers: readonly MqHandover[];
  /** Background work of the adapters, by what it reconciles: what waits, what fails and why, when it is tried next. */
  readonly work: readonly MqWork[];
}

export interface MqWork extends KeyStatus {
  /** `kafka`, `amqp`, ... */
  readonly broker: string;
  /** What is reconciled: `hand-over of GID_order, topic orders`. */
  readonly name: string;
}

/** One running consumer of this process. */
export interface MqConsumer {
  /** `kafka`, `amqp`, ... */
  readonly broker: string;
  /** The group or queue as the application names it. */
  readonly group: string;
  /** The group or queue at the broker: `GID_<color>_X` in a colored instance. */
  readonly brokerGroup: string;
  /** `undefined` for the baseline's. */
  readonly color: Color | undefined;
  readonly phase: MqPhase;
  /** In phase `failed`: why it does not run any more, and what to do. */
  readonly failure?: string;
  /** Messages that its handlers got since it runs. */
  readonly handled: number;
  /** Messages of others that were passed over since it runs. */
  readonly skipped: number;
  /** Messages behind its position that it has not read, whoever they are for; `undefined` while unknown. */
  readonly unread: number | undefined;
  /** The partitions that it holds; a queue has none. */
  readonly partitions: readonly MqPartition[];
  /** What all of it waits for. */
  readonly waiting?: MqWaiting;
  /** By color: the reason of the last decision about a message of it. */
  readonly reasons: Readonly<Record<Color, string>>;
}

/**
 * `waiting-for-drain`: what the color left behind the last time is handled first; `left`: the color was
 * withdrawn, and all is handled. It runs again when the service is declared a member again. `failed`: the client gave up
 * and does not come back by itself; `failure` says why.
 */
export type MqPhase =
  | 'stopped'
  | 'starting'
  | 'running'
  | 'waiting-for-drain'
  | 'left'
  | 'stopping'
  | 'failed';

export interface MqPartition {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the next message, as text; `undefined` while unknown. */
  readonly position: string | undefined;
  /** Messages from the position to the end of the log, of all colors; `undefined` while unknown. */
  readonly unread: number | undefined;
  /** Where it is to read up to, as text: the color leaves there. None for one that reads on and on. */
  readonly boundary?: string;
  readonly waiting?: MqWaiting;
}

export interface MqWaiting {
  readonly for: string;
  /** For so many milliseconds. */
  readonly ms: number;
  /** What to do about it, in a sentence; none where time alone mends it. */
  readonly remedy?: string;
}

/** One color's hand-over of a group and topic, or of a queue. */
export interface MqHandover {
  readonly broker: string;
  readonly group: string;
  readonly brokerGroup: string;
  readonly topic: string | undefined;
  readonly color: Color;
  readonly state: string;
  /** Another number, and a larger one, each time the color joins; `undefined` where the broker decides by itself. */
  readonly epoch: number | undefined;
  /** Of the epoch that stands, by partition; a queue has none. */
  readonly fences: readonly MqFences[];
}

export interface MqFences {
  readonly partition: number;
  readonly join?: string;
  readonly stop?: string;
  readonly leave?: string;
}
