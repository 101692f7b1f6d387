import { idWithoutCluster, type Subscription, type SubscriptionTarget, subscriptionId } from '@colorway/core';
import type { DiscardServer, LeaveServer, LeaveWork } from './leave-server.js';
import { isSameBroker } from './same-broker.js';

export type Leave = (work: LeaveWork) => Promise<void>;

interface Serving {
  readonly cluster: string | undefined;
  readonly mayBeRenamed: boolean;
  readonly leave: Leave;
}

/** Who in this process can bring a color to its end, by what is consumed. */
export class LeaveServers {
  readonly #service: string;
  /** By the id of the target. Of several, the first is the next. */
  readonly #consumers = new Map<string, Serving[]>();
  readonly #discarders = new Set<DiscardServer>();

  constructor(service: string) {
    this.#service = service;
  }

  get isEmpty(): boolean {
    return this.#consumers.size === 0 && this.#discarders.size === 0;
  }

  /** Returns how to take it out. */
  add({
    cluster,
    leave,
    mayBeRenamed = false,
    ...target
  }: LeaveServer & { readonly leave: Leave }): () => void {
    const id = namesOf(target);
    const serving = { cluster, leave, mayBeRenamed };
    this.#consumers.set(id, [...(this.#consumers.get(id) ?? []), serving]);
    return () => {
      const rest = (this.#consumers.get(id) ?? []).filter((one) => one !== serving);
      if (rest.length > 0) this.#consumers.set(id, rest);
      else this.#consumers.delete(id);
    };
  }

  addDiscarder(server: DiscardServer): () => void {
    this.#discarders.add(server);
    return () => this.#discarders.delete(server);
  }

  /** Whether it would be served by one that consumes nothing of it. */
  isWithoutConsumer(subscription: Subscription): boolean {
    const consumers = this.#consumers.get(namesOf(subscription)) ?? [];
    return !consumers.some(({ cluster }) => isSameBroker(cluster, subscription));
  }

  hasTarget(id: string): boolean {
    return this.#consumers.has(idWithoutCluster(id));
  }

  has(subscription: Subscription): boolean {
    return this.#of(subscription).length > 0;
  }

  /** Of what leaves at a broker that nobody here is connected to: whether somebody here would serve it at another one. */
  isElsewhere(subscription: Subscription): boolean {
    return (
      !this.has(subscription) && this.#of(atAnyBroker({ ...subscription, onLeave: 'discard' })).length > 0
    );
  }

  /** Whether all who would serve it know their broker by its name alone. */
  mayBeRenamed(subscription: Subscription): boolean {
    const consumers = this.#consumers.get(namesOf(subscription)) ?? [];
    const { broker } = subscription;
    const discarders = [...this.#discarders].filter((one) => one.broker === broker);
    return [...consumers, ...discarders].every(({ mayBeRenamed = false }) => mayBeRenamed);
  }

  includes(subscription: Subscription, leave: Leave): boolean {
    return this.#of(subscription).includes(leave);
  }

  /** One server at a time works for a subscription; should this one fail, the next one is asked. */
  next(subscription: Subscription): Leave | undefined {
    const [first] = this.#of(subscription);
    for (const discarder of [...this.#discarders]) {
      if (discarder.leave !== first) continue;
      this.#discarders.delete(discarder);
      this.#discarders.add(discarder);
    }
    const id = namesOf(subscription);
    const consumers = this.#consumers.get(id) ?? [];
    const chosen = consumers.find(({ leave }) => leave === first);
    if (chosen !== undefined) {
      this.#consumers.set(id, [...consumers.filter((one) => one !== chosen), chosen]);
    }
    return first;
  }

  #of(subscription: Subscription): Leave[] {
    const consumers = (this.#consumers.get(namesOf(subscription)) ?? []).filter(({ cluster }) =>
      isSameBroker(cluster, subscription),
    );
    if (consumers.length > 0 || subscription.onLeave !== 'discard')
      return consumers.map(({ leave }) => leave);
    if (subscription.service !== this.#service) return [];
    return [...this.#discarders]
      .filter(({ broker, cluster }) => broker === subscription.broker && isSameBroker(cluster, subscription))
      .map(({ leave }) => leave);
  }
}

/** The same, for whoever serves what has its names. */
export function atAnyBroker({ cluster: _, apart: __, ...subscription }: Subscription): Subscription {
  return subscription;
}

/** Of all brokers' targets of the same names: which of them, `cluster` says. */
function namesOf({ broker, group, topic }: SubscriptionTarget): string {
  return subscriptionId({ broker, group, ...(topic !== undefined && { topic }) });
}
