import type { CarrierNames } from '@colorway/core';
import type { AmqpChannel } from '../amqp-channel.js';
import type { ExchangeTypes } from '../connection/exchange-types.js';
import type { SideChannel } from '../connection/side-channel.js';
import type { Binding } from '../filter/filter-spans.js';
import { claimsName, HAS_BAGGAGE, matchArguments, routingNames } from './queue-names.js';

/*
 * Exchanges cannot read a color in the baggage. What the baseline binds comes to the baseline, which passes it on. What
 * only colors bind comes to nobody who could:
 *
 *   X ──(keys of colors)──▶ GID_X.coloring.keys.<type>.X    of X's type, alternate-exchange = GID_X.coloring.unclaimed
 *                             ├─ (keys of the baseline) ──▶ GID_X.coloring
 *                             └─ no match ────────────────▶ GID_X.coloring.unclaimed     headers, alternate-exchange = ...unstamped
 *                                                             ├─ has DMQ_ENV_TAG ──▶ GID_X.coloring.own.colors
 *                                                             └─ has it not ───────▶ GID_X.coloring.unstamped
 *                                                                  └─ has baggage ─▶ GID_X.coloring.baggage (fanout) ──▶ each GID_c_X
 *
 * So the broker itself decides, for each message, whether the baseline has bound its key, and each color's queue gets a
 * copy of those that it has not: `isCopy` tells which one is whose. The keys of the baseline lead to the baseline's routing from there
 * too, so that a key changes hands at one single step: a queue gets a message once, by however many ways it comes.
 *
 * All this is right only if the exchange of keys has all keys of the baseline. Older versions have not told theirs. So the
 * last step, to `.baggage`, is the baseline's to make, and that exchange is declared only with a new routing, which nothing is bound to yet.
 */

/** Exchanges of these types match alike wherever they are. */
const MATCHING = ['direct', 'topic', 'fanout', 'headers'];

export interface UnclaimedKeysOptions {
  /** How long the baseline has to put back what was taken away, in milliseconds, before a color does without it. */
  readonly patienceMs: number;
}

/** Keys that colors have bound and the baseline has not, and messages on them that say their color in the baggage alone. */
export class UnclaimedKeys {
  readonly #side: SideChannel;
  readonly #carriers: CarrierNames;
  readonly #types: ExchangeTypes;
  readonly #patienceMs: number;
  readonly #goneSince = new Map<string, number>();

  constructor(
    side: SideChannel,
    carriers: CarrierNames,
    types: ExchangeTypes,
    { patienceMs }: UnclaimedKeysOptions,
  ) {
    this.#side = side;
    this.#carriers = carriers;
    this.#types = types;
    this.#patienceMs = patienceMs;
  }

  /** What leads from a key that the baseline has not, to the last step. */
  async build(channel: AmqpChannel, queue: string): Promise<void> {
    const { unclaimed, unstamped, ownColors } = routingNames(queue);
    await channel.assertExchange(unstamped, 'headers', { durable: true });
    await channel.assertExchange(unclaimed, 'headers', { durable: true, alternateExchange: unstamped });
    await channel.bindExchange(ownColors, unclaimed, '', matchArguments(this.#carriers, undefined));
  }

  /** Before the routing is there for the first time. */
  async declareBaggage(channel: AmqpChannel, queue: string): Promise<void> {
    await channel.assertExchange(routingNames(queue).baggage, 'fanout', { durable: true });
  }

  /** The baseline says that it tells all its keys; not where it may have some from before. */
  async vouch(queue: string): Promise<void> {
    const { baggage, unstamped } = routingNames(queue);
    await this.#side.has((channel) => channel.bindExchange(baggage, unstamped, '', HAS_BAGGAGE));
  }

  /** False where no baseline vouches for its keys: then nothing comes by that way. */
  async join(queue: string, queueOfColor: string): Promise<boolean> {
    const { baggage } = routingNames(queue);
    return await this.#side.has((channel) => channel.bindQueue(queueOfColor, baggage, ''));
  }

  async leave(queue: string, queueOfColor: string): Promise<void> {
    const { baggage } = routingNames(queue);
    await this.#side.has((channel) => channel.unbindQueue(queueOfColor, baggage, ''));
  }

  /** The exchange in which the keys of one source are told, or why there is none. */
  async #claims(queue: string, source: string): Promise<Claims> {
    const type = await this.#types.of(source);
    if (type === undefined) return { whyNot: 'type-unknown' };
    if (!MATCHING.includes(type)) return { whyNot: 'type' };
    const exchange = claimsName(queue, type, source);
    return exchange === undefined ? { whyNot: 'name' } : { exchange, type };
  }

  /**
   * The baseline's, before it binds the key. A key that it cannot tell, where a color perhaps could, takes the last step
   * away for good: rather nothing by that way than twice. False then.
   */
  async claim(queue: string, { source, pattern, args }: Binding): Promise<boolean> {
    const claims = await this.#claims(queue, source);
    const { baggage, coloring } = routingNames(queue);
    if (claims.whyNot === 'type-unknown') {
      await this.#side.run((channel) => channel.deleteExchange(baggage));
      return false;
    }
    if (claims.whyNot === undefined) {
      await this.#side.run(async (channel) => {
        await this.#declare(channel, queue, claims);
        await channel.bindExchange(coloring, claims.exchange, pattern, args);
      });
    }
    return true;
  }

  /** The baseline's later: which exchanges were taken away, and are put back with its keys. */
  async restore(queue: string, bindings: readonly Binding[]): Promise<string[]> {
    const isThere = new Map<string, boolean>();
    for (const binding of bindings) {
      const { exchange } = await this.#claims(queue, binding.source);
      if (exchange === undefined) continue;
      if (!isThere.has(exchange))
        isThere.set(exchange, await this.#side.has((channel) => channel.checkExchange(exchange)));
      if (isThere.get(exchange) === false) await this.claim(queue, binding);
    }
    return [...isThere].flatMap(([exchange, was]) => (was ? [] : [exchange]));
  }

  /** The baseline's, after it has unbound the key. */
  async unclaim(queue: string, { source, pattern, args }: Binding): Promise<void> {
    const claims = await this.#claims(queue, source);
    const { coloring } = routingNames(queue);
    if (claims.whyNot !== undefined) return;
    await this.#side.has((channel) => channel.unbindExchange(coloring, claims.exchange, pattern, args));
  }

  /** A color's. Says why not, where it cannot be: then the color has to have another way for what has the property. */
  async offer(queue: string, { source, pattern, args }: Binding): Promise<WhyNot | undefined> {
    const claims = await this.#claims(queue, source);
    if (claims.whyNot !== undefined) return claims.whyNot;
    await this.#side.run(async (channel) => {
      await this.#declare(channel, queue, claims);
      await channel.bindExchange(claims.exchange, source, pattern, args);
    });
    return undefined;
  }

  /**
   * Whether a color may do so again. An exchange that was taken away is the baseline's to put back, with its keys; where it
   * has none of that source it does not, and the color does after a while.
   */
  async mayOffer(queue: string, { source }: Binding): Promise<boolean> {
    const { exchange } = await this.#claims(queue, source);
    if (exchange === undefined) return true;
    if (await this.#side.has((channel) => channel.checkExchange(exchange))) {
      this.#goneSince.delete(exchange);
      return true;
    }
    const since = this.#goneSince.get(exchange) ?? performance.now();
    this.#goneSince.set(exchange, since);
    return performance.now() - since >= this.#patienceMs;
  }

  async #declare(channel: AmqpChannel, queue: string, { exchange, type }: Place): Promise<void> {
    const { unclaimed } = routingNames(queue);
    await channel.assertExchange(exchange, type, { durable: true, alternateExchange: unclaimed });
  }
}

/** The exchange has a type of which no second one decides alike; the broker does not tell the type; the name is too long. */
export type WhyNot = 'type' | 'type-unknown' | 'name';

interface Place {
  readonly exchange: string;
  readonly type: string;
  readonly whyNot?: undefined;
}

type Claims = Place | { readonly whyNot: WhyNot; readonly exchange?: undefined };
