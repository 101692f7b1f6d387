import { count, pick } from '@colorway/core';
import type { Balancing } from './balancing-options.js';
import { admitted } from './ejection.js';
import type { Endpoint } from './endpoint.js';
import type { RetryBudget } from './retry-budget.js';

/** How often the weights of new instances are brought up to date. */
const EASING_STEP_MS = 200;

export type Endpoints<T> = readonly [Endpoint<T>, ...Endpoint<T>[]];

/** Counts ejections, over all sets: an endpoint may stand in two. */
export interface Ejections {
  count: number;
}

/**
 * The instances that routing has chosen, ready to be picked from. Who may be picked, and with which weight,
 * is worked out when something changes; a pick in between allocates nothing.
 */
export class EndpointSet<T> {
  readonly service: string;
  /** Of the whole service. */
  readonly budget: RetryBudget;
  readonly #all: Endpoints<T>;
  readonly #balancing: Balancing;
  readonly #ejections: Ejections;
  readonly #random: () => number;
  #ready: Endpoints<T>;
  /** `undefined` where all weigh the same. */
  #heaviest: number | undefined;
  #recheckAt = Number.NEGATIVE_INFINITY;
  #ejectionsSeen = 0;
  #now = 0;

  constructor(
    service: string,
    all: Endpoints<T>,
    shared: { budget: RetryBudget; balancing: Balancing; ejections: Ejections; random: () => number },
  ) {
    this.service = service;
    this.budget = shared.budget;
    this.#all = all;
    this.#ready = all;
    this.#balancing = shared.balancing;
    this.#ejections = shared.ejections;
    this.#random = shared.random;
  }

  /** The endpoint for a first attempt. */
  pick(now: number): Endpoint<T> {
    if (now >= this.#recheckAt || this.#ejectionsSeen !== this.#ejections.count) this.#recheck(now);
    this.#now = now;
    return pick(this.#ready, this.#cost, this.#random, this.#heaviest);
  }

  /** The endpoint for a further attempt: another one if there is any, `undefined` when all are gone. */
  pickAgain(now: number, tried: ReadonlySet<Endpoint<T>>): Endpoint<T> | undefined {
    this.pick(now);
    const open = (endpoint: Endpoint<T>) => !endpoint.closed;
    const untried = (endpoint: Endpoint<T>) => open(endpoint) && !tried.has(endpoint);
    for (const [endpoints, may] of [
      [this.#ready, untried],
      [this.#all, untried],
      [this.#ready, open],
    ] as const) {
      const [first, ...rest] = endpoints.filter(may);
      if (first !== undefined) return pick([first, ...rest], this.#cost, this.#random, this.#heaviest);
    }
    return undefined;
  }

  /** Tells that a request failed in a way that speaks against its endpoint. */
  failed(endpoint: Endpoint<T>, latency: number, now: number): void {
    if (!endpoint.failed(latency, now)) return;
    this.#ejections.count++;
    const out = !admitted(this.#all, now, this.#balancing.ejection.maxShare).includes(endpoint);
    if (out) count('coloring.ejections', { 'coloring.service': this.service });
  }

  readonly #cost = (endpoint: Endpoint<T>): number => endpoint.cost(this.#now);

  #recheck(now: number): void {
    const { maxShare } = this.#balancing.ejection;
    const ready = admitted(this.#all, now, maxShare);
    const someNew = ready.some((endpoint) => endpoint.isNew(now));
    /* Easing only shifts load to fellows that are past it; among new ones alone it would do nothing. */
    const eased = someNew && ready.some((endpoint) => !endpoint.isNew(now));
    let recheckAt = someNew ? now + EASING_STEP_MS : Number.POSITIVE_INFINITY;
    for (const endpoint of this.#all) {
      endpoint.weigh(now, eased);
      if (endpoint.ejection.isOut(now)) recheckAt = Math.min(recheckAt, endpoint.ejection.until);
    }
    const [first, ...rest] = ready;
    this.#ready = first === undefined ? this.#all : [first, ...rest];
    this.#heaviest = heaviestOf(this.#ready);
    this.#recheckAt = recheckAt;
    this.#ejectionsSeen = this.#ejections.count;
  }
}

function heaviestOf(endpoints: Endpoints<unknown>): number | undefined {
  const [{ weight }] = endpoints;
  if (endpoints.every((endpoint) => endpoint.weight === weight)) return undefined;
  return endpoints.reduce((heaviest, endpoint) => Math.max(heaviest, endpoint.weight), 0);
}
