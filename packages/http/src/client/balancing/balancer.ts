import { createRandom, type DirectoryView, type Instance, type RouteDecision, route } from '@colorway/core';
import type { Balancing } from './balancing-options.js';
import { type Clock, systemClock } from './clock.js';
import { Endpoint } from './endpoint.js';
import { type Ejections, EndpointSet } from './endpoint-set.js';
import { RetryBudget } from './retry-budget.js';

type Routed = Extract<RouteDecision, { kind: 'colored' | 'baseline' }>;

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
  /** By the decision's list of instances, which stays the same array while nothing changes. */
  readonly #sets = new WeakMap<Routed['instances'], EndpointSet<T>>();
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

  /** The set for a decision; the same one while the directory tells nothing new of these instances. */
  set({ instances, service }: Routed): EndpointSet<T> {
    return this.#sets.get(instances) ?? this.#make(instances, service);
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
    for (const service of this.#budgets.keys())
      if (view.services.get(service) === undefined) this.#budgets.delete(service);
  }

  #make(instances: Routed['instances'], service: string): EndpointSet<T> {
    const [first, ...rest] = instances;
    const endpoints = [this.#endpoint(first), ...rest.map((instance) => this.#endpoint(instance))] as const;
    const set = new EndpointSet(service, endpoints, {
      budget: this.#budget(service),
      balancing: this.#options.balancing,
      ejections: this.#ejections,
      random: this.#random,
    });
    this.#sets.set(instances, set);
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

  #budget(service: string): RetryBudget {
    let budget = this.#budgets.get(service);
    if (budget === undefined) {
      budget = new RetryBudget(this.#options.balancing.retry.budget);
      this.#budgets.set(service, budget);
    }
    return budget;
  }
}
