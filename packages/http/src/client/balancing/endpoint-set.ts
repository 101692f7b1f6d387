import { count, formatWanted, parseWanted, pick } from '@colorway/core';
import { nobodyLeft } from '../misdirected.js';
import type { Balancing } from './balancing-options.js';
import { admitted } from './ejection.js';
import type { Ticket } from './outstanding.js';
import type { RetryBudget } from './retry-budget.js';
import type { Standing } from './standing.js';

/** How often the weights of new instances are brought up to date. */
const EASING_STEP_MS = 200;

export type Standings<T> = readonly [Standing<T>, ...Standing<T>[]];

/** Counts what changes who may be picked, over all sets: an endpoint may stand in several. */
export interface Ejections {
  count: number;
}

/**
 * The instances that routing has chosen for the calls of one color, ready to be picked from. Who may be picked, and with which weight,
 * is worked out when something changes; a pick in between allocates nothing.
 */
export class EndpointSet<T> {
  readonly service: string;
  /** Of this service and color. */
  readonly budget: RetryBudget;
  /** Whom the calls are for; see `formatWanted` of the core. */
  readonly wanted: string;
  /** The same as a header's value; `undefined` for names that others gave and that no header can say. */
  readonly wantedHeader: string | undefined;
  readonly #all: Standings<T>;
  readonly #balancing: Balancing;
  readonly #ejections: Ejections;
  readonly #random: () => number;
  #ready: readonly Standing<T>[];
  /** `undefined` where all weigh the same. */
  #heaviest: number | undefined;
  #recheckAt = Number.NEGATIVE_INFINITY;
  #ejectionsSeen = 0;
  #now = 0;

  constructor(
    service: string,
    all: Standings<T>,
    shared: { budget: RetryBudget; balancing: Balancing; ejections: Ejections; random: () => number },
  ) {
    this.service = service;
    this.wanted = formatWanted(service, all[0].instance.color);
    this.wantedHeader = parseWanted(this.wanted) === undefined ? undefined : this.wanted;
    this.budget = shared.budget;
    this.#all = all;
    this.#ready = all;
    this.#balancing = shared.balancing;
    this.#ejections = shared.ejections;
    this.#random = shared.random;
  }

  /**
   * The endpoint for a first attempt.
   * @throws ColorwayError `COLORWAY_INSTANCE_MISDIRECTED` when every one has said that it is another instance
   */
  pick(now: number): Standing<T> {
    if (now >= this.#recheckAt || this.#ejectionsSeen !== this.#ejections.count) this.#recheck(now);
    this.#now = now;
    const ready = this.#ready;
    if (!isSome(ready)) throw nobodyLeft(this.wanted);
    return pick(ready, this.#cost, this.#random, this.#heaviest);
  }

  /** The endpoint for a further attempt: another one if there is any, `undefined` when all are gone. */
  pickAgain(now: number, tried: ReadonlySet<Standing<T>>): Standing<T> | undefined {
    if (now >= this.#recheckAt || this.#ejectionsSeen !== this.#ejections.count) this.#recheck(now);
    this.#now = now;
    const open = (one: Standing<T>) => !one.closed && one.endpoint.disownedUntil <= now;
    const untried = (one: Standing<T>) => open(one) && !tried.has(one);
    for (const [standings, may] of [
      [this.#ready, untried],
      [this.#all, untried],
      [this.#ready, open],
    ] as const) {
      const some = standings.filter(may);
      if (isSome(some)) return pick(some, this.#cost, this.#random, this.#heaviest);
    }
    return undefined;
  }

  /** Tells that a request failed in a way that speaks against its endpoint. */
  failed(standing: Standing<T>, ticket: Ticket, latency: number, now: number): void {
    if (!standing.failed(ticket, latency, now)) return;
    this.#ejections.count++;
    const out = !admitted(this.#all, now, this.#balancing.ejection.maxShare).includes(standing);
    if (out) count('coloring.ejections', { 'coloring.service': this.service });
  }

  /** Tells that an endpoint has answered that it is another one than its record says. */
  disowned(standing: Standing<T>, ticket: Ticket, now: number): void {
    standing.refused(ticket, now);
    standing.endpoint.disown(now);
    this.#ejections.count++;
    count('coloring.misdirected', { 'coloring.service': this.service });
  }

  readonly #cost = (standing: Standing<T>): number => standing.cost(this.#now);

  #recheck(now: number): void {
    const { maxShare } = this.#balancing.ejection;
    let recheckAt = Number.POSITIVE_INFINITY;
    let owned: readonly Standing<T>[] = this.#all;
    if (this.#all.some(({ endpoint }) => endpoint.disownedUntil > now)) {
      owned = this.#all.filter(({ endpoint }) => endpoint.disownedUntil <= now);
      for (const { endpoint } of this.#all)
        if (endpoint.disownedUntil > now) recheckAt = Math.min(recheckAt, endpoint.disownedUntil);
    }
    const ready = admitted(owned, now, maxShare);
    const someNew = ready.some(({ endpoint }) => endpoint.isNew(now));
    /* Easing only shifts load to fellows that are past it; among new ones alone it would do nothing. */
    const eased = someNew && ready.some(({ endpoint }) => !endpoint.isNew(now));
    if (someNew) recheckAt = Math.min(recheckAt, now + EASING_STEP_MS);
    for (const standing of this.#all) {
      standing.endpoint.weigh(now, eased);
      if (standing.outUntil > now) recheckAt = Math.min(recheckAt, standing.outUntil);
    }
    this.#ready = ready;
    this.#heaviest = heaviestOf(ready);
    this.#recheckAt = recheckAt;
    this.#ejectionsSeen = this.#ejections.count;
  }
}

function heaviestOf(standings: readonly Standing<unknown>[]): number | undefined {
  const weight = standings[0]?.weight;
  if (standings.every((standing) => standing.weight === weight)) return undefined;
  return standings.reduce((heaviest, standing) => Math.max(heaviest, standing.weight), 0);
}

function isSome<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}
