import { type Color, type Coloring, ColorwayError, quote } from '@colorway/core';
import { GroupNames, type GroupPattern } from '../names.js';
import type { AmqpChannel, QueueOptions } from './amqp-channel.js';
import { AstrayMessages } from './astray-messages.js';
import { Destinations } from './destinations.js';
import type { Binding } from './filter-spans.js';
import { openBeside } from './open-beside.js';
import { isBrokersName } from './queue-names.js';
import { type OpenChannel, SideChannel } from './side-channel.js';
import { SidePublisher } from './side-publisher.js';
import { Topology } from './topology.js';

/**
 * What the channels of one connection share. It is gone with the connection: whoever connects again wraps
 * the new channels, and everything that was declared before is found, or declared, again.
 */
export class ConnectionState {
  readonly names: GroupNames;
  readonly side: SideChannel;
  readonly topology: Topology;
  readonly destinations: Destinations;
  readonly astray: AstrayMessages;
  /** With which options the application declared its queues: what a color declares again when it comes back. */
  readonly declared = new Map<string, QueueOptions>();
  /** Filter mode: what the own queue of each queue was bound to. */
  readonly bindings = new Map<string, readonly Binding[]>();
  /** Queues of this connection alone; they are nobody's group. */
  readonly #exclusive = new Set<string>();
  readonly #color: Color | undefined;
  readonly #byColored = new Map<string, string>();
  readonly #queues = new Set<string>();

  constructor(coloring: Coloring, open: OpenChannel, options: StateOptions) {
    this.#color = coloring.color;
    this.names = new GroupNames({
      limit: 'amqp',
      ...(options.groupPattern === undefined ? {} : { pattern: options.groupPattern }),
    });
    this.side = new SideChannel(open);
    this.topology = new Topology(this.side, coloring.carriers, this.names);
    const owners = new Destinations((queue) => this.topology.hasQueue(queue), options.recheckMs);
    this.astray = new AstrayMessages(owners, new SidePublisher(open));
    this.destinations = new Destinations((queue) => this.topology.isRouted(queue), options.recheckMs);
  }

  addExclusive(queue: string): void {
    this.#exclusive.add(queue);
  }

  /** Whether a queue plays a group's part, so that each color has one of its own. */
  isGroup(queue: string): boolean {
    return !isBrokersName(queue) && !this.#exclusive.has(queue);
  }

  /**
   * @throws ColorwayError `COLORWAY_GROUP_NAME` where two queues of this service would be one: in this color, or, for a
   * baseline, in any.
   */
  lint(queue: string): void {
    const colored = this.names.colored(queue, this.#color ?? ANY_COLOR);
    const standing = this.#byColored.get(colored) ?? this.#byColored.get(queue);
    const other = standing ?? (this.#queues.has(colored) ? colored : queue);
    if (other !== queue) {
      throw new ColorwayError(
        'COLORWAY_GROUP_NAME',
        `Queues ${quote(other)} and ${quote(queue)} would be one queue in a color. Rename one of them.`,
      );
    }
    this.#byColored.set(colored, queue);
    this.#queues.add(queue);
  }
}

const ANY_COLOR = '0';

interface StateOptions {
  readonly recheckMs: number;
  readonly groupPattern: GroupPattern | undefined;
}

const states = new WeakMap<object, WeakMap<Coloring, ConnectionState>>();

export function stateOf(
  coloring: Coloring,
  channel: AmqpChannel,
  options: StateOptions & { readonly openChannel: OpenChannel | undefined },
): ConnectionState {
  const ofConnection = states.get(channel.connection) ?? new WeakMap<Coloring, ConnectionState>();
  states.set(channel.connection, ofConnection);
  const state =
    ofConnection.get(coloring) ??
    new ConnectionState(coloring, options.openChannel ?? openBeside(channel), options);
  ofConnection.set(coloring, state);
  return state;
}
