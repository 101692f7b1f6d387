import {
  type Color,
  type Coloring,
  leavingSubscription,
  membershipKey,
  parseSubscription,
  type StateStore,
  type Subscription,
  type SubscriptionTarget,
  subscriptionId,
  subscriptionKey,
} from '@colorway/core';
import { changeSubscription, recordDiscard } from './change-subscription.js';
import { confirmSubscriptions, joinSubscriptions } from './join-subscriptions.js';
import type { LeaveServer } from './leave-server.js';
import { LeaveTask } from './leave-task.js';
import { Pulse } from './pulse.js';
import { SubscriptionView } from './subscription-view.js';

/** A record without its membership is somebody's join under way, or left over: so long nobody touches it. */
const ORPHAN_MS = 5_000;
const LOOK_EVERY_MS = 1_000;

/**
 * The subscriptions of one service, as its consumers in this process see and serve them. One for each
 * coloring; the directory is watched while there is a server or a listener.
 */
export class Leaving {
  readonly #coloring: Coloring;
  readonly #state: StateStore;
  readonly #view: SubscriptionView;
  readonly #servers = new Map<string, Set<LeaveServer>>();
  readonly #listeners = new Set<() => void>();
  readonly #tasks = new Map<string, LeaveTask>();
  readonly #orphans = new Map<string, { readonly version: string; readonly since: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(coloring: Coloring, state: StateStore) {
    this.#coloring = coloring;
    this.#state = state;
    this.#view = new SubscriptionView(state, coloring.service, () => this.#changed());
  }

  /**
   * The join of a colored consumer, to be done before it joins at the broker: see {@link joinSubscriptions}.
   * `joined` at once in the baseline.
   * @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`
   */
  async join(targets: readonly SubscriptionTarget[]): Promise<'joined' | 'leaving'> {
    const { color } = this.#coloring;
    if (color === undefined) return 'joined';
    return joinSubscriptions(this.#coloring, this.#state, color, targets);
  }

  /**
   * To be called after the join at the broker: whether the records still say `joined`. Somebody may have ended
   * the membership in between, and have found nothing at the broker; then what was joined there leaves again.
   */
  async confirm(targets: readonly SubscriptionTarget[]): Promise<boolean> {
    const { color } = this.#coloring;
    if (color === undefined) return true;
    return confirmSubscriptions(this.#coloring.service, this.#state, color, targets);
  }

  /** Says, before they are given up, how many messages of a part of a target that is. Said anew, it replaces. */
  discarding(target: SubscriptionTarget, color: Color, part: string, messages: number): Promise<void> {
    const { broker, group, topic } = target;
    const name = { service: this.#coloring.service, color, broker, group };
    return recordDiscard(
      this.#state,
      subscriptionKey(topic === undefined ? name : { ...name, topic }),
      part,
      messages,
    );
  }

  /** Whether it was taken out by its name (see `Subscription.detached`). Linearizable. */
  async isDetached(targets: readonly SubscriptionTarget[], color: Color): Promise<boolean> {
    for (const target of targets) {
      const { service } = this.#coloring;
      const entry = await this.#state.get(subscriptionKey({ service, color, ...target }));
      if (entry !== undefined && parseSubscription(entry)?.detached) return true;
    }
    return false;
  }

  /** A running consumer, colored or not, does the leaving for its target from now on. Returns how to end that. */
  serve(server: LeaveServer): () => void {
    const id = subscriptionId(server);
    const servers = this.#servers.get(id) ?? new Set();
    const pulse = this.#pulse(server);
    this.#servers.set(id, servers.add(server));
    this.#use();
    this.#look();
    return () => {
      pulse?.stop();
      servers.delete(server);
      if (servers.size === 0) this.#servers.delete(id);
      for (const task of this.#tasks.values()) if (task.server === server) task.stop();
      this.#unuse();
      this.#look();
    };
  }

  /** Calls the listener after each change of a subscription or membership of the service. Returns how to stop that. */
  onChange(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    this.#use();
    return () => {
      this.#listeners.delete(own);
      this.#unuse();
    };
  }

  /** What is known of a subscription; `undefined` for none, or before the directory has told. */
  subscription(target: SubscriptionTarget, color: Color): Subscription | undefined {
    const id = subscriptionId(target);
    for (const { read } of this.#view.all())
      if (read.color === color && subscriptionId(read) === id) return read;
    return undefined;
  }

  /** Those of all colors, as far as is known. */
  subscriptions(target: SubscriptionTarget): readonly Subscription[] {
    const id = subscriptionId(target);
    return Array.from(this.#view.all(), ({ read }) => read).filter((read) => subscriptionId(read) === id);
  }

  /** Whether the color contains this service. Linearizable. */
  async isMember(color: Color): Promise<boolean> {
    return (await this.#state.get(membershipKey(this.#coloring.service, color))) !== undefined;
  }

  #pulse({ broker, group, topic }: SubscriptionTarget): Pulse | undefined {
    const { service, color } = this.#coloring;
    if (color === undefined) return undefined;
    return new Pulse(this.#state, { service, color, broker, group, ...(topic !== undefined && { topic }) });
  }

  #use(): void {
    this.#view.open();
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  #unuse(): void {
    if (this.#servers.size > 0 || this.#listeners.size > 0) return;
    this.#view.close();
    this.#orphans.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #changed(): void {
    this.#look();
    for (const listener of [...this.#listeners]) listener();
  }

  #look(): void {
    const leaving = new Set<string>();
    for (const { key, version, read } of this.#view.all()) {
      if (read.state === 'leaving') {
        leaving.add(key);
        this.#work(key, read);
      } else if (read.state === 'joined') this.#watchOrphan(key, version, read);
    }
    for (const [key, task] of this.#tasks) if (!leaving.has(key)) task.stop();
  }

  /** One server at a time works for a subscription; where it gives up, another one may do better. */
  #work(key: string, subscription: Subscription): void {
    const servers = this.#servers.get(subscriptionId(subscription));
    if (servers === undefined || this.#tasks.has(key)) return;
    const [server] = servers;
    if (server === undefined) return;
    // The next one first, should this one fail.
    servers.delete(server);
    servers.add(server);
    const task = new LeaveTask(this.#state, key, subscription, server);
    this.#tasks.set(key, task);
    void task.done.finally(() => {
      this.#tasks.delete(key);
      // A failure waits for the timer; a change in between came too early.
      if (task.stopped) this.#look();
    });
  }

  /** Somebody removed the membership and did not come to its records: a crash in between, or another tool. */
  #watchOrphan(key: string, version: string, { color }: Subscription): void {
    if (this.#view.isMember(color) !== false) {
      this.#orphans.delete(key);
      return;
    }
    const known = this.#orphans.get(key);
    if (known?.version !== version) {
      this.#orphans.set(key, { version, since: performance.now() });
      return;
    }
    if (performance.now() - known.since < ORPHAN_MS) return;
    this.#orphans.delete(key);
    void this.#leaveOrphan(key, color).catch(() => {}); // Looked at again in a second.
  }

  async #leaveOrphan(key: string, color: Color): Promise<void> {
    if (await this.isMember(color)) return;
    await changeSubscription(this.#state, key, (standing) =>
      standing.state === 'joined' ? leavingSubscription(standing, 'drain', Date.now()) : undefined,
    );
  }
}
