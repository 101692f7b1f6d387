import { ColorwayError, type Directory, quote, type StateStore } from '@colorway/core';
import type { AcceptPolicy } from '../message/index.js';
import type { GroupPattern } from '../names.js';
import type { AmqpChannel, AmqpMessage, QueueOptions } from './amqp-channel.js';
import type { ModeName } from './mode.js';

export interface ColoredChannelOptions {
  /**
   * Who may set the flow type in which a message is handled, for all queues of the channel, and for `get`. Default `'all'`:
   * whoever may send to a queue may. For queues that strangers send to, say `'none'` or decide by message. Whose a message is
   * does not change: where a color has joined, its consumer handles what states its color. See docs/security.md.
   */
  readonly accept?: AcceptPolicy<AmqpMessage>;
  /**
   * `routing` (default): the broker decides by headers exchanges of ours; each message goes to one queue. `filter`:
   * for topologies that may not be touched; colored queues are bound beside the baseline's, and each consumer
   * acknowledges what is foreign. It needs the directory's state half.
   */
  readonly mode?: ModeName;
  /** Filter mode: where joins and leaves are kept. Default: the state half of the coloring's directory. */
  readonly state?: StateStore;
  /**
   * Filter mode: how long from a join or leave until it counts, in milliseconds. Default 5,000. It must be more than
   * the difference between the clocks of publishers and consumers.
   */
  readonly graceMs?: number;
  /** How colored queues are named. Default `GID_<color>_<name>`. */
  readonly groupPattern?: GroupPattern;
  /** Queues that belong to one instance and have no colors. Exclusive and server-named ones never have. Default: none. */
  readonly plain?: (queue: string) => boolean;
  /** With which options a colored instance declares its own queue where the application consumes without `assertQueue`. */
  readonly queueOptions?: (queue: string) => QueueOptions | undefined;
  /** How long a colored consumer waits for a baseline that is just starting, in milliseconds. Default 5,000. */
  readonly baselineWaitMs?: number;
  /**
   * How long a queue that has no routing is known to have none, in milliseconds. Default 1,000; it doubles, up to a minute, each
   * time the broker says so again.
   */
  readonly recheckMs?: number;
  /**
   * Routing: how often it is checked that what the consumers here need is still there at the broker, and put back if
   * not, in milliseconds. Default 30,000. A queue whose consumer was ended, or a message that was refused, is looked at at once.
   */
  readonly checkTopologyMs?: number;
  /** Opens another channel on the same connection. Default: with the class of the given channel, as amqplib does. */
  readonly openChannel?: () => Promise<AmqpChannel>;
}

export interface ResolvedOptions {
  readonly accept: AcceptPolicy<AmqpMessage> | undefined;
  readonly mode: ModeName;
  readonly state: StateStore | undefined;
  readonly graceMs: number;
  readonly groupPattern: GroupPattern | undefined;
  readonly plain: (queue: string) => boolean;
  readonly queueOptions: (queue: string) => QueueOptions | undefined;
  readonly baselineWaitMs: number;
  readonly recheckMs: number;
  readonly checkTopologyMs: number;
  readonly openChannel: (() => Promise<AmqpChannel>) | undefined;
}

const MODES: readonly unknown[] = ['routing', 'filter'] satisfies ModeName[];

/** @throws ColorwayError `COLORWAY_INVALID_OPTION`; `COLORWAY_STATE_MISSING` for filter mode without a state half. */
export function resolveOptions(options: ColoredChannelOptions, directory: Directory): ResolvedOptions {
  const state = options.state ?? directory.state;
  const mode = options.mode ?? 'routing';
  if (!MODES.includes(mode)) {
    throw new ColorwayError('COLORWAY_INVALID_OPTION', `mode: ${quote(mode)} must be "routing" or "filter".`);
  }
  if (mode === 'filter' && state === undefined) {
    throw new ColorwayError(
      'COLORWAY_STATE_MISSING',
      'mode "filter" keeps joins and leaves in the directory, and this one has no state half. Use composeDirectory({ instances, state }), or give the option state.',
    );
  }
  return Object.freeze({
    accept: options.accept,
    mode,
    state,
    graceMs: milliseconds('graceMs', options.graceMs, 5_000),
    groupPattern: options.groupPattern,
    plain: options.plain ?? (() => false),
    queueOptions: options.queueOptions ?? (() => undefined),
    baselineWaitMs: milliseconds('baselineWaitMs', options.baselineWaitMs, 5_000),
    recheckMs: milliseconds('recheckMs', options.recheckMs, 1_000),
    checkTopologyMs: milliseconds('checkTopologyMs', options.checkTopologyMs, 30_000),
    openChannel: options.openChannel,
  });
}

function milliseconds(option: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (Number.isFinite(value) && value >= 0) return value;
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `${option}: ${quote(value)} must be a number of milliseconds.`,
  );
}
