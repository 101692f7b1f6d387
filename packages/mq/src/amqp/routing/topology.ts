import { type CarrierNames, type Color, ColorwayError, quote } from '@colorway/core';
import { sleep } from '@colorway/core/background';
import type { GroupNames } from '../../names.js';
import type { AmqpChannel } from '../amqp-channel.js';
import type { SideChannel } from '../connection/side-channel.js';
import type { SidePublisher } from '../connection/side-publisher.js';
import type { Binding } from '../filter/filter-spans.js';
import { HeldMessages } from '../sending/held-messages.js';
import { matchArguments, routingNames } from './queue-names.js';
import type { UnclaimedKeys, WhyNot } from './unclaimed-keys.js';

/*
 *   X ──(the app's own keys)──▶ GID_X.coloring          headers, alternate-exchange = GID_X.baseline
 *                                 ├─ has the property ──▶ GID_X.coloring.colors    headers, the same alternate-exchange
 *                                 │                         ├─ DMQ_ENV_TAG = c ──▶ queue GID_c_X
 *                                 │                         └─ no match ─────────▶ GID_X.baseline
 *                                 └─ has it not ────────▶ GID_X.baseline (fanout) ──▶ queue GID_X
 *                                                           └─ no GID_X yet ───────▶ GID_X.coloring.held ──▶ its queue
 *
 *   X ──(keys that a colored instance binds)──▶ GID_X.coloring.keys.<type>.X, see unclaimed-keys.ts
 *     or, where that cannot be ───────────────▶ GID_X.coloring.own ─▶ GID_X.coloring.own.colors ─▶ queue GID_c_X
 *
 * A headers exchange looks at each of its bindings for each message. Two stages make that one look for a message
 * without a color, however many colors there are.
 *
 * A colored instance never binds what leads to the baseline: a key that only its code knows would bring the baseline
 * messages that nobody there asked for, for ever. A message that comes both ways reaches the queue once, because
 * RabbitMQ delivers a publish to a set of queues.
 *
 * A color that starts first does not know with which arguments the baseline will declare GID_X, so it never does: what is
 * the baseline's waits in a queue of ours, until the baseline has declared its own.
 */

/** Declares and takes away the routing of queues. Everything can be done again at any time. */
export class Topology {
  readonly #side: SideChannel;
  readonly #carriers: CarrierNames;
  readonly #names: GroupNames;
  readonly #held: HeldMessages;
  readonly #unclaimed: UnclaimedKeys;

  constructor(
    side: SideChannel,
    publisher: SidePublisher,
    carriers: CarrierNames,
    names: GroupNames,
    unclaimed: UnclaimedKeys,
  ) {
    this.#side = side;
    this.#unclaimed = unclaimed;
    this.#held = new HeldMessages(side, publisher);
    this.#carriers = carriers;
    this.#names = names;
  }

  isRouted(queue: string): Promise<boolean> {
    const { coloring } = routingNames(queue);
    return this.#side.has((channel) => channel.checkExchange(coloring));
  }

  hasQueue(queue: string): Promise<boolean> {
    return this.#side.has((channel) => channel.checkQueue(queue));
  }

  /** Which of these exchanges are not there. Each that is missing costs a channel. */
  async missing(exchanges: readonly string[]): Promise<string[]> {
    const missing: string[] = [];
    for (const exchange of exchanges) {
      if (!(await this.#side.has((channel) => channel.checkExchange(exchange)))) missing.push(exchange);
    }
    return missing;
  }

  /** Builds what leads to an existing baseline queue, and brings there what was held for it. */
  async build(queue: string): Promise<void> {
    const isNew = !(await this.isRouted(queue));
    await this.#buildBaseline(queue, isNew, (channel) =>
      channel.bindQueue(queue, routingNames(queue).baseline, ''),
    );
    await this.#unclaimed.vouch(queue);
    await this.#held.release(queue);
  }

  /** The way in comes last: what takes it must find its way. */
  async #buildBaseline(
    queue: string,
    isNew: boolean,
    bindTarget: (channel: AmqpChannel) => Promise<unknown>,
  ): Promise<void> {
    const { coloring, colors, baseline, held } = routingNames(queue);
    const alternate = { durable: true, alternateExchange: baseline };
    await this.buildOwn(queue);
    await this.#side.run(async (channel) => {
      await channel.assertExchange(held, 'fanout', { durable: true });
      await channel.assertExchange(baseline, 'fanout', { durable: true, alternateExchange: held });
      await bindTarget(channel);
      if (isNew) await this.#unclaimed.declareBaggage(channel, queue);
      await channel.assertExchange(colors, 'headers', alternate);
      await channel.assertExchange(coloring, 'headers', alternate);
      await channel.bindExchange(colors, coloring, '', matchArguments(this.#carriers, undefined));
    });
  }

  /** Builds what colored instances bind. */
  async buildOwn(queue: string): Promise<void> {
    const { own, ownColors } = routingNames(queue);
    await this.#side.run(async (channel) => {
      await channel.assertExchange(ownColors, 'headers', { durable: true });
      await channel.assertExchange(own, 'headers', { durable: true });
      await channel.bindExchange(ownColors, own, '', matchArguments(this.#carriers, undefined));
      await this.#unclaimed.build(channel, queue);
    });
  }

  /**
   * For a colored instance that declares a queue: what is sent to it before the baseline starts must not be lost. Where the
   * baseline's queue stands already, it is the baseline's to build its routing. Whether there is a routing now.
   */
  async ensureBaseline(queue: string): Promise<boolean> {
    if (await this.isRouted(queue)) return true;
    if (await this.hasQueue(queue)) return false;
    await this.#buildBaseline(queue, true, (channel) => this.#held.declare(channel, queue));
    return true;
  }

  /**
   * Leads to the baseline what `source` publishes. A direct binding (from before Colorway) is taken away after that:
   * in between, a message whose color has a consumer reaches both; the other order could lose one. False where the key
   * could not be claimed.
   */
  async bindBaseline(queue: string, binding: Binding): Promise<boolean> {
    const { source, pattern, args } = binding;
    const { coloring } = routingNames(queue);
    const isClaimed = await this.#unclaimed.claim(queue, binding);
    await this.#side.run((channel) => channel.bindExchange(coloring, source, pattern, args));
    await this.#side.run((channel) => channel.unbindQueue(queue, source, pattern, args));
    return isClaimed;
  }

  async unbindBaseline(queue: string, binding: Binding): Promise<void> {
    const { source, pattern, args } = binding;
    const { coloring } = routingNames(queue);
    await this.#side.run((channel) => channel.unbindExchange(coloring, source, pattern, args));
    await this.#side.run((channel) => channel.unbindQueue(queue, source, pattern, args));
    await this.#unclaimed.unclaim(queue, binding);
  }

  /**
   * Leads to the colors that have joined what `source` publishes. Says why what names its color in the baggage alone does
   * not come by this key, where it does not.
   *
   * @param again what was done already is made sure of; what the baseline has to put back first has time.
   */
  async bindColored(queue: string, binding: Binding, again = false): Promise<WhyNot | undefined> {
    if (!again) await this.buildOwn(queue);
    else if (!(await this.#unclaimed.mayOffer(queue, binding))) return undefined;
    const whyNot = await this.#unclaimed.offer(queue, binding);
    if (whyNot === undefined) return undefined;
    const { source, pattern, args } = binding;
    const { own } = routingNames(queue);
    await this.#side.run((channel) => channel.bindExchange(own, source, pattern, args));
    return whyNot;
  }

  /**
   * From here on the color's messages go to its queue. One binding at a time is enough, and their order matters: were
   * `own` first, a message could come to the baseline by one way and to the color by the other. False where no baseline
   * vouches for its keys.
   */
  async join(queue: string, color: Color): Promise<boolean> {
    const { colors, ownColors } = routingNames(queue);
    const match = matchArguments(this.#carriers, color);
    const queueOfColor = this.#names.colored(queue, color);
    await this.buildOwn(queue);
    await this.#side.run((channel) => channel.bindQueue(queueOfColor, colors, '', match));
    await this.#side.run((channel) => channel.bindQueue(queueOfColor, ownColors, '', match));
    return await this.#unclaimed.join(queue, queueOfColor);
  }

  /** From here on the color's messages go to the baseline. */
  async leave(queue: string, color: Color): Promise<void> {
    const { colors, ownColors } = routingNames(queue);
    const match = matchArguments(this.#carriers, color);
    const queueOfColor = this.#names.colored(queue, color);
    await this.#unclaimed.leave(queue, queueOfColor);
    await this.#side.run((channel) => channel.unbindQueue(queueOfColor, ownColors, '', match));
    await this.#side.run((channel) => channel.unbindQueue(queueOfColor, colors, '', match));
  }

  /**
   * A color may join when the baseline's messages come through the routing: else it would handle beside the baseline
   * what the baseline still gets directly.
   * @throws ColorwayError `COLORWAY_INVALID_OPTION`
   */
  async mustBeRouted(queue: string, waitMs: number, signal: AbortSignal): Promise<void> {
    const until = performance.now() + waitMs;
    while (!(await this.isRouted(queue))) {
      if (performance.now() >= until) {
        throw new ColorwayError(
          'COLORWAY_INVALID_OPTION',
          `Queue ${quote(queue)} has no routing by color (exchange ${quote(routingNames(queue).coloring)}), so its baseline ` +
            'would handle the messages of this color too. Start the baseline with coloredChannel first, and let it call ' +
            'assertQueue and bindQueue; or use mode: "filter".',
        );
      }
      await sleep(100, signal);
      signal.throwIfAborted();
    }
  }
}
