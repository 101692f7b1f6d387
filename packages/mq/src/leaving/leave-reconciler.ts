import {
  type Coloring,
  leavingSubscription,
  type MqWork,
  membershipKey,
  SERVED_EVERY_MS,
  type StateStore,
  type Subscription,
} from '@colorway/core';
import { type KeyStatus, Reconciler, type Scope, type StepOutcome } from '@colorway/core/background';
import { changeSubscription, left } from './change-subscription.js';
import { isAbandoned, toldElsewhere } from './leave-elsewhere.js';
import { atAnyBroker, type Leave, type LeaveServers } from './leave-servers.js';
import { LeaveTask } from './leave-task.js';
import type { KnownSubscription, SubscriptionView } from './subscription-view.js';

/** A record without its membership is somebody's join under way, or left over: so long nobody touches it. */
const ORPHAN_MS = 5_000;
/** What is known is looked at again after so long, though no watch has reported a change. */
const IDLE_MS = 30_000;
/** What leaves at another broker is looked at again after so long. */
const ELSEWHERE_LOOK_MS = 5_000;
/** Who consumes nothing of it leaves it for so long, and up to `SPREAD_MS` more, to those that do. */
const FIRST_MS = 500;
const SPREAD_MS = 2_500;

/**
 * Brings each subscription that leaves to its end, by a server of this process: each by itself, so that one that hangs or
 * fails holds up no other. Records of this service whose membership something else has removed leave too.
 */
export class LeaveReconciler {
  readonly #coloring: Coloring;
  readonly #state: StateStore;
  readonly #view: SubscriptionView;
  readonly #servers: LeaveServers;
  readonly #reconciler: Reconciler<string>;
  readonly #tasks = new Map<string, LeaveTask>();
  /** When what is served without a consumer may begin, by the monotonic clock. */
  readonly #heldBack = new Map<string, number>();
  /** Since when what leaves at a broker that nobody here knows is seen, by the monotonic clock; and what is ended here all the same. */
  readonly #elsewhere = new Map<string, number>();
  readonly #adopted = new Set<string>();
  readonly #orphans = new Map<string, { readonly version: string; readonly since: number }>();

  constructor(
    scope: Scope,
    coloring: Coloring,
    state: StateStore,
    parts: { readonly view: SubscriptionView; readonly servers: LeaveServers },
  ) {
    this.#coloring = coloring;
    this.#state = state;
    this.#view = parts.view;
    this.#servers = parts.servers;
    this.#reconciler = new Reconciler({
      ...{ scope, name: 'leaving of', idleMs: IDLE_MS },
      keys: () => this.#keys(),
      step: (key, signal) => this.#step(key, signal),
    });
  }

  /** Something may be due: a subscription, a membership or a server has changed. */
  look(): void {
    for (const [key, task] of this.#tasks) if (!this.#isDueFor(key, task)) task.stop();
    this.#reconciler.look();
  }

  /** Stops what this server works on; another one may take it up. Resolves when it has ended. */
  async stopTasksOf(leave: Leave): Promise<void> {
    const tasks = [...this.#tasks.values()].filter((task) => task.leave === leave);
    for (const task of tasks) task.stop();
    await Promise.all(tasks.map(({ ended }) => ended.promise));
  }

  work(): readonly MqWork[] {
    return this.#reconciler.status().map((status) => this.#workOf(status));
  }

  *#keys(): Iterable<string> {
    const orphans = new Set<string>();
    const leaving = new Set<string>();
    for (const known of this.#view.find((service, id) => this.#concerns(service, id))) {
      if (known.read.state === 'leaving') {
        leaving.add(known.key);
        if (this.#servers.has(this.#asServed(known.key, known.read))) yield known.key;
        else if (this.#servers.isElsewhere(known.read)) yield known.key;
      } else if (this.#isOrphan(known)) {
        orphans.add(known.key);
        yield known.key;
      }
    }
    for (const kept of [this.#heldBack, this.#elsewhere, this.#adopted])
      for (const key of kept.keys()) if (!leaving.has(key)) kept.delete(key);
    for (const key of this.#orphans.keys()) if (!orphans.has(key)) this.#orphans.delete(key);
  }

  #concerns(service: string, id: string): boolean {
    return service === this.#coloring.service || this.#servers.hasTarget(id);
  }

  async #step(key: string, signal: AbortSignal): Promise<StepOutcome> {
    const known = this.#view.get(key);
    if (known?.read.state === 'leaving') return this.#serve(key, known.read, signal);
    if (known !== undefined && this.#isOrphan(known)) return this.#leaveOrphan(known);
    return { kind: 'settled' };
  }

  async #serve(key: string, subscription: Subscription, signal: AbortSignal): Promise<StepOutcome> {
    const served = this.#asServed(key, subscription);
    if (this.#servers.isElsewhere(served)) return await this.#leaveElsewhere(key, subscription);
    const heldBackMs = this.#heldBackMs(key, served);
    if (heldBackMs > 0) return { kind: 'again', afterMs: heldBackMs };
    const leave = this.#servers.next(served);
    if (leave === undefined) return { kind: 'settled' };
    const { reporter } = this.#coloring;
    const task = new LeaveTask({ state: this.#state, reporter, key, subscription, leave });
    const stop = (): void => task.stop();
    signal.addEventListener('abort', stop, { once: true });
    this.#tasks.set(key, task);
    try {
      await task.run();
    } finally {
      signal.removeEventListener('abort', stop);
      this.#tasks.delete(key);
    }
    // What has left is no key any more as soon as the watch reports it; what was stopped is taken up again.
    return { kind: 'again', afterMs: task.hasLeft ? IDLE_MS : 0 };
  }

  #asServed(key: string, subscription: Subscription): Subscription {
    return this.#adopted.has(key) ? atAnyBroker(subscription) : subscription;
  }

  /** Its broker has another name by now, or is gone, or is only not consumed: that is said, and given up after long. */
  async #leaveElsewhere(key: string, subscription: Subscription): Promise<StepOutcome> {
    const now = performance.now();
    const since = this.#elsewhere.get(key) ?? now;
    this.#elsewhere.set(key, since);
    const again: StepOutcome = { kind: 'again', afterMs: ELSEWHERE_LOOK_MS };
    if (!isAbandoned(subscription, now - since, Date.now())) {
      const told = await changeSubscription(this.#state, key, (one) => toldElsewhere(one, Date.now()));
      const { waitingFor, remedy } = told ?? subscription;
      if (waitingFor === undefined) return again;
      return { ...again, waitingFor, ...(remedy !== undefined && { remedy }) };
    }
    const { group, cluster = '', color } = subscription;
    this.#coloring.reporter.once(
      'COLORWAY_LEAVE_ELSEWHERE',
      `${color} has left ${group} at broker ${cluster}. No consumer there has been heard of for long: the broker is taken to be gone, or to have another name.`,
      key,
    );
    // What the color has here under the same names is its own record's.
    if (this.#servers.mayBeRenamed(subscription) && !this.#isRecordedApart(key, subscription)) {
      this.#adopted.add(key);
      return { kind: 'again', afterMs: 0 };
    }
    await changeSubscription(this.#state, key, (standing) => left(standing));
    return again;
  }

  #isRecordedApart(key: string, { service, color, broker, group, topic }: Subscription): boolean {
    const all = this.#view.find((whose) => whose === service);
    return Array.from(all).some(
      ({ key: other, read }) =>
        other !== key &&
        read.state !== 'left' &&
        read.color === color &&
        read.broker === broker &&
        read.group === group &&
        read.topic === topic,
    );
  }

  /** Of all processes that have no consumer of it, one does it, and none while a consumer lives that does. */
  #heldBackMs(key: string, subscription: Subscription): number {
    if (!this.#servers.isWithoutConsumer(subscription)) return 0;
    const now = performance.now();
    const due = this.#heldBack.get(key) ?? now + FIRST_MS + SPREAD_MS * Math.random();
    const { servedAt } = subscription;
    const isServed = servedAt !== undefined && Date.now() - servedAt < 3 * SERVED_EVERY_MS;
    const next = due <= now && isServed ? now + SERVED_EVERY_MS : due;
    this.#heldBack.set(key, next);
    return next - now;
  }

  #isDueFor(key: string, { leave, subscription, onLeave }: LeaveTask): boolean {
    const known = this.#view.get(key)?.read;
    return (
      known?.state === 'leaving' &&
      (known.onLeave ?? 'drain') === onLeave &&
      this.#servers.includes(this.#asServed(key, subscription), leave)
    );
  }

  /** Somebody removed the membership and did not come to its records: a crash in between, or another tool. */
  #isOrphan({ read: { state, service, color } }: KnownSubscription): boolean {
    return state === 'joined' && service === this.#coloring.service && this.#view.isMember(color) === false;
  }

  async #leaveOrphan({ key, version, read }: KnownSubscription): Promise<StepOutcome> {
    const seen = this.#orphans.get(key);
    if (seen?.version !== version) {
      this.#orphans.set(key, { version, since: performance.now() });
      return { kind: 'again', afterMs: ORPHAN_MS };
    }
    const early = seen.since + ORPHAN_MS - performance.now();
    if (early > 0) return { kind: 'again', afterMs: early };
    // The watch may be late.
    const isMember = (await this.#state.get(membershipKey(read.service, read.color))) !== undefined;
    if (!isMember) {
      await changeSubscription(this.#state, key, (standing) =>
        standing.state === 'joined' ? leavingSubscription(standing, 'drain', Date.now()) : undefined,
      );
    }
    this.#orphans.delete(key);
    return { kind: 'settled' };
  }

  #workOf(status: KeyStatus): MqWork {
    const known = this.#view.get(status.key)?.read;
    const { broker = '', group = '', topic, color = '' } = known ?? {};
    const { waitingFor, remedy } = this.#tasks.get(status.key)?.told ?? known ?? {};
    return {
      ...{ broker, name: `leaving of ${color}, ${topic === undefined ? group : `${group} of ${topic}`}` },
      ...status,
      ...(this.#tasks.has(status.key) && { state: 'running' as const }),
      ...(waitingFor !== undefined && { waitingFor }),
      ...(remedy !== undefined && { remedy }),
    };
  }
}
