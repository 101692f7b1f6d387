import {
  type Color,
  createRandom,
  type DirectoryView,
  type Instance,
  type Routed,
  route,
} from '@colorway/core';
import type { Balancing } from './balancing-options.js';
import { type Clock, systemClock } from './clock.js';
import { Endpoint } from './endpoint.js';
import { type Ejections, EndpointSet } from './endpoint-set.js';
import { RetryBudget } from './retry-budget.js';

export interface BalancerOptions<T> {
  readonly balancing: Balancing;
  /** Makes what holds the connections to an instance. */
  readonly open: (instance: Instance) => T;
  /** Lets the requests in flight end, then closes the connections. */
  readonly close: (transport: T) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/**
 * What a client knows of instances, kept from view to view: their connections, latency and failures.
 */
export class Balancer<T> {
  readonly clock: Clock;
  readonly #options: BalancerOptions<T>;
  readonly #random: () => number;
  readonly #endpoints = new Map<string, Endpoint<T>>();
  /** By the decision's list of instances, which stays the same array while nothing changes, and the call's color. */
  readonly #sets = new WeakMap<Routed['instances'], Map<Color | undefined, EndpointSet<T>>>();
  /** By service and color: a storm in one environment leaves the retries of the others. */
  readonly #budgets = new Map<string, RetryBudget>();
  readonly #ejections: Ejections = { count: 0 };

  constructor(options: BalancerOptions<T>) {
    this.clock = options.clock ?? systemClock;
    this.#options = options;
    this.#random = options.random ?? createRandom();
  }

  get transports(): T[] {
    return [...this.#endpoints.values()].map(({ transport }) => transport);
  }

  /** The set for a decision and the color of the call; the same one while the directory tells nothing new of these instances. */
  set({ instances, service }: Routed, color: Color | undefined): EndpointSet<T> {
    return this.#sets.get(instances)?.get(color) ?? this.#make(instances, service, color);
  }

  /** Drops what is gone from the view. */
  follow(view: DirectoryView): void {
    const ids = new Map<Routed['instances'], Set<string>>();
    for (const endpoint of this.#endpoints.values()) {
      const { id, color, service } = endpoint.instance;
      const decision = route(color, service, view);
      if (decision.kind === 'colored' || decision.kind === 'baseline') {
        const { instances } = decision;
        let alive = ids.get(instances);
        if (alive === undefined) {
          alive = new Set(instances.map((instance) => instance.id));
          ids.set(instances, alive);
        }
        if (alive.has(id)) continue;
      }
      this.#drop(endpoint);
    }
  }

  #make(instances: Routed['instances'], service: string, color: Color | undefined): EndpointSet<T> {
    const now = this.clock.now();
    const [first, ...rest] = instances;
    const standings = [
      this.#endpoint(first).standing(color, now),
      ...rest.map((instance) => this.#endpoint(instance).standing(color, now)),
    ] as const;
    const set = new EndpointSet(service, standings, {
      budget: this.#budget(service, color),
      balancing: this.#options.balancing,
      ejections: this.#ejections,
      random: this.#random,
    });
    let sets = this.#sets.get(instances);
    if (sets === undefined) {
      sets = new Map();
      this.#sets.set(instances, sets);
    }
    bound(sets);
    sets.set(color, set);
    return set;
  }

  #endpoint(instance: Instance): Endpoint<T> {
    const known = this.#endpoints.get(instance.id);
    if (known?.isSame(instance)) {
      known.instance = instance;
      return known;
    }
    if (known !== undefined) this.#drop(known);
    const { open, balancing } = this.#options;
    const endpoint = new Endpoint(instance, open(instance), balancing, this.clock);
    this.#endpoints.set(instance.id, endpoint);
    return endpoint;
  }

  #drop(endpoint: Endpoint<T>): void {
    this.#endpoints.delete(endpoint.instance.id);
    endpoint.closed = true;
    this.#options.close(endpoint.transport);
  }

  #budget(service: string, color: Color | undefined): RetryBudget {
    const key = `${service}/${color ?? ''}`;
    let budget = this.#budgets.get(key);
    if (budget === undefined) {
      budget = new RetryBudget(this.#options.balancing.retry.budget);
      bound(this.#budgets);
      this.#budgets.set(key, budget);
    }
    return budget;
  }
}

/** Colors come from requests: the oldest is forgotten, and made anew when it is asked for. */
function bound(map: Map<unknown, unknown>): void {
  if (map.size < MAX_REMEMBERED) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}

const MAX_REMEMBERED = 1_000;
