import { type Color, type Coloring, ColorwayError, quote } from '@colorway/core';
import { Scope } from '@colorway/core/background';
import { GroupNames, type GroupPattern } from '../../names.js';
import type { AmqpChannel, QueueOptions } from '../amqp-channel.js';
import type { Binding } from '../filter/filter-spans.js';
import { canBeRouted, isBrokersName } from '../routing/queue-names.js';
import { Topology } from '../routing/topology.js';
import { TopologyUpkeep } from '../routing/topology-upkeep.js';
import { UnclaimedKeys } from '../routing/unclaimed-keys.js';
import { UnusedQueues } from '../routing/unused-queues.js';
import { AstrayMessages } from '../sending/astray-messages.js';
import { Destinations } from '../sending/destinations.js';
import { ExchangeTypes } from './exchange-types.js';
import { openBeside } from './open-beside.js';
import { ask } from './questions.js';
import { type OpenChannel, SideChannel } from './side-channel.js';
import { SidePublisher } from './side-publisher.js';

/**
 * What the channels of one connection share. It is gone with the connection: whoever connects again wraps
 * the new channels, and everything that was declared before is found, or declared, again.
 */
export class ConnectionState {
  readonly names: GroupNames;
  /** Opens another channel on the connection. */
  readonly open: OpenChannel;
  readonly side: SideChannel;
  readonly topology: Topology;
  readonly exchangeTypes: ExchangeTypes;
  readonly unclaimed: UnclaimedKeys;
  readonly destinations: Destinations;
  readonly #publisher: SidePublisher;
  readonly astray: AstrayMessages;
  readonly upkeep: TopologyUpkeep;
  readonly unused: UnusedQueues;
  /** Which broker this is, once that is known: see `brokerIdentity`. */
  cluster: string | undefined;
  /** Queues whose routing this process, as the baseline, has built or found. */
  readonly routed = new Set<string>();
  /** With which options the application declared its queues: what a color declares again when it comes back. */
  readonly declared = new Map<string, QueueOptions>();
  /** What the application has bound each queue to. */
  readonly bindings = new Map<string, readonly Binding[]>();
  /** Queues that are nobody's group: of this connection alone, or of a kind that can have no colors. */
  readonly #colorless = new Set<string>();
  readonly #coloring: Coloring;
  #channels = 0;
  #ended: Promise<unknown> = Promise.resolve();
  #scope: Scope | undefined;
  readonly #color: Color | undefined;
  readonly #byColored = new Map<string, string>();
  readonly #queues = new Set<string>();

  constructor(coloring: Coloring, open: OpenChannel, options: StateOptions) {
    this.#coloring = coloring;
    this.#color = coloring.color;
    this.names = new GroupNames({
      limit: 'amqp',
      ...(options.groupPattern === undefined ? {} : { pattern: options.groupPattern }),
    });
    this.open = open;
    this.side = new SideChannel(open, (what, question) => this.ask(what, question));
    this.#publisher = new SidePublisher(open);
    const { recheckMs, checkTopologyMs } = options;
    this.exchangeTypes = new ExchangeTypes(this.side);
    this.unclaimed = new UnclaimedKeys(this.side, coloring.carriers, this.exchangeTypes, {
      // Its look may come late, and takes some questions.
      patienceMs: 2 * checkTopologyMs + LATE_LOOK_MS,
    });
    this.topology = new Topology(
      ...([this.side, this.#publisher, coloring.carriers, this.names, this.unclaimed] as const),
    );
    const hasQueue = new Destinations({
      isRouted: (queue) => this.topology.hasQueue(queue),
      isDirect: () => false,
      recheckMs,
      // A color that has come meanwhile waits for what is its own.
      maxRecheckMs: OWNER_RECHECK_MS,
    });
    this.upkeep = new TopologyUpkeep(coloring, () => this.scope, checkTopologyMs);
    this.unused = new UnusedQueues(coloring, this.side, this.upkeep, checkTopologyMs);
    this.astray = new AstrayMessages(hasQueue, this.#publisher, coloring.carriers, () => this.upkeep.look());
    this.destinations = new Destinations({
      isRouted: (queue) => this.topology.isRouted(queue),
      isDirect: (queue) => isBrokersName(queue) || !canBeRouted(queue),
      recheckMs,
    });
  }

  /**
   * A wrapped channel uses this until it closes: what it works on is owned by the scope that is returned, which ends then, and
   * with the coloring. What we have opened on the connection ends with the last channel.
   */
  use(channel: AmqpChannel): Scope {
    this.#channels++;
    const scope = this.#coloring.scope.isDisposed
      ? new Scope('RabbitMQ channel', { reporter: this.#coloring.reporter })
      : this.scope.child('channel');
    if (this.#coloring.scope.isDisposed) void scope.dispose(); // nothing has begun in it
    channel.once('close', () => {
      this.#channels--;
      // When all that listens has heard of it, and has said what is to be waited for.
      this.#ended = Promise.resolve().then(() => this.#end(scope));
    });
    return scope;
  }

  /** Resolves when what the channel that closed last had begun has ended; never rejects. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  /** Owns the background work for this connection: ends with its last wrapped channel, and with the coloring. */
  get scope(): Scope {
    if (this.#scope === undefined || (this.#scope.isDisposed && !this.#coloring.scope.isDisposed)) {
      this.#scope = this.#coloring.scope.child(`RabbitMQ connection`);
      this.#scope.defer(() => this.#closeSides());
    }
    return this.#scope;
  }

  /**
   * Asks the broker something that ends with the connection's use, and with the coloring; what the application asks for after
   * that is its own. @throws what {@link ask} throws
   */
  async ask<T>(what: string, question: () => Promise<T>): Promise<T> {
    if (this.#channels === 0) {
      throw new ColorwayError(
        'COLORWAY_CLOSED',
        'No channel that coloredChannel returned is open any more on this connection.',
      );
    }
    return await ask(this.#coloring.scope.isDisposed ? undefined : this.scope, what, question);
  }

  async #end(ofChannel: Scope): Promise<void> {
    const ended = ofChannel.dispose();
    if (this.#channels > 0) return await ended;
    const scope = this.#scope;
    this.#scope = undefined;
    // What was asked without a scope ends at once, and what was asked in it in a moment.
    await Promise.all([ended, scope?.dispose(), this.#closeSides()]);
  }

  async #closeSides(): Promise<void> {
    await Promise.all([this.side.close(), this.#publisher.close()]);
  }

  /** A queue that each instance reads as it is: not a group's. */
  addColorless(queue: string): void {
    this.#colorless.add(queue);
  }

  /** Whether a queue plays a group's part, so that each color has one of its own. */
  isGroup(queue: string): boolean {
    return !isBrokersName(queue) && !this.#colorless.has(queue);
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
const OWNER_RECHECK_MS = 5_000;
const LATE_LOOK_MS = 10_000;

interface StateOptions {
  readonly recheckMs: number;
  readonly checkTopologyMs: number;
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
