import {
  type Color,
  type Coloring,
  idWithoutCluster,
  membershipKey,
  parseSubscription,
  type StateStore,
  type Subscription,
  type SubscriptionTarget,
  subscriptionId,
  subscriptionKey,
} from '@colorway/core';
import { callSafely, type Scope, withTimeLimit } from '@colorway/core/background';
import { recordDiscard } from './change-subscription.js';
import { startHeartbeat } from './heartbeat.js';
import { confirmSubscriptions, type JoinOutcome, joinSubscriptions, placeOf } from './join-subscriptions.js';
import { LeaveReconciler } from './leave-reconciler.js';
import type { DiscardServer, LeaveServer, LeaveWork } from './leave-server.js';
import { LeaveServers } from './leave-servers.js';
import { isSameBroker } from './same-broker.js';
import { SubscriptionView } from './subscription-view.js';

interface Working {
  readonly scope: Scope;
  readonly view: SubscriptionView;
  readonly reconciler: LeaveReconciler;
}

/**
 * The subscriptions of one service, and of whoever shares its groups and queues, as its consumers in this process see and
 * serve them. One for each coloring, whose scope owns its work; the directory is watched while there is a server or a
 * listener, and asked for nothing at rest.
 */
export class Leaving {
  readonly #coloring: Coloring;
  readonly #state: StateStore;
  readonly #servers: LeaveServers;
  readonly #listeners = new Set<() => void>();
  #working: Working | undefined;

  constructor(coloring: Coloring, state: StateStore) {
    this.#coloring = coloring;
    this.#state = withTimeLimit(state, coloring.directoryTimeoutMs);
    this.#servers = new LeaveServers(coloring.service);
  }

  /**
   * The join of a colored consumer, to be done before it joins at the broker: see {@link joinSubscriptions}.
   * `joined` at once in the baseline.
   * @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`
   */
  async join(targets: readonly SubscriptionTarget[]): Promise<JoinOutcome> {
    const { color } = this.#coloring;
    if (color === undefined) return 'joined';
    return joinSubscriptions(this.#coloring, this.#state, color, targets);
  }

  /** Under which key this coloring's subscription stands, or is to stand: it is part of the target from then on. */
  async place(target: SubscriptionTarget): Promise<SubscriptionTarget> {
    const { service, color } = this.#coloring;
    return color === undefined ? target : await placeOf(this.#state, { service, color, ...target });
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

  /**
   * Says, before they are given up, how many messages of a part of a target that is, in the records of all services that
   * share it. Said again, it replaces.
   */
  async discarding(target: SubscriptionTarget, color: Color, part: string, messages: number): Promise<void> {
    const { service } = this.#coloring;
    const keys = new Set([subscriptionKey({ service, color, ...target })]);
    for (const one of this.subscriptions(target)) if (one.color === color) keys.add(subscriptionKey(one));
    for (const key of keys) await recordDiscard(this.#state, key, part, messages);
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

  /**
   * A running consumer, colored or not, does the leaving for its target from now on, whichever service's it is. Returns
   * how to end that; what comes back resolves when its heartbeat is taken away and no work of it goes on.
   * @throws ColorwayError `COLORWAY_CLOSED`
   */
  serve(server: LeaveServer): () => Promise<void> {
    const leave = (work: LeaveWork): Promise<void> => server.leave(work);
    const { broker, group, topic, cluster, apart, mayBeRenamed = false } = server;
    const target = { broker, group, ...(topic !== undefined && { topic }) };
    const id = subscriptionId(target);
    const { scope, reconciler } = this.#work();
    const serving = scope.child(`consumer of ${id}`);
    const remove = this.#servers.add({
      ...{ ...target, leave, mayBeRenamed },
      ...(cluster !== undefined && { cluster }),
    });
    const { service, color } = this.#coloring;
    if (color !== undefined) {
      const key = { cluster, ...(apart === true && { apart }) };
      startHeartbeat(serving, this.#state, { service, color, ...target, ...(cluster !== undefined && key) });
    }
    return this.#begun(serving, async () => {
      remove();
      await reconciler.stopTasksOf(leave);
    });
  }

  /**
   * This process can end leaves with `discard` of whatever group or queue of the service, without a consumer of it.
   * Returns how to end that.
   * @throws ColorwayError `COLORWAY_CLOSED`
   */
  serveDiscards(server: DiscardServer): () => Promise<void> {
    const leave = (work: LeaveWork): Promise<void> => server.leave(work);
    const { scope, reconciler } = this.#work();
    const { broker, cluster, mayBeRenamed = false } = server;
    const remove = this.#servers.addDiscarder({
      ...{ broker, leave, mayBeRenamed },
      ...(cluster !== undefined && { cluster }),
    });
    return this.#begun(scope.child(`discards of ${broker}`), async () => {
      remove();
      await reconciler.stopTasksOf(leave);
    });
  }

  /** Calls the listener after each change of a subscription or membership of the service. Returns how to stop that. */
  onChange(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    this.#work();
    return () => {
      this.#listeners.delete(own);
      this.#rest();
    };
  }

  /** What is known of this service's subscription; `undefined` for none, or before the directory has reported. */
  subscription(target: SubscriptionTarget, color: Color): Subscription | undefined {
    const { service } = this.#coloring;
    const at = (apart: boolean): Subscription | undefined =>
      this.#working?.view.get(subscriptionKey({ service, color, ...target, apart }))?.read;
    const apart = target.cluster === undefined ? undefined : at(true);
    if (apart !== undefined) return apart;
    const standing = at(false);
    return standing !== undefined && isSameBroker(target.cluster, standing) ? standing : undefined;
  }

  /** Those of all services and colors, as far as is known. */
  subscriptions(target: SubscriptionTarget): readonly Subscription[] {
    const wanted = idWithoutCluster(subscriptionId(target));
    const found = this.#working?.view.find((_, id) => idWithoutCluster(id) === wanted) ?? [];
    return Array.from(found, ({ read }) => read).filter((read) => isSameBroker(target.cluster, read));
  }

  /** Whether the color contains this service. Linearizable. */
  async isMember(color: Color): Promise<boolean> {
    return (await this.#state.get(membershipKey(this.#coloring.service, color))) !== undefined;
  }

  /** What all that is served and watched needs, begun with the first of them. */
  #work(): Working {
    if (this.#working !== undefined && !this.#working.scope.isDisposed) return this.#working;
    const scope = this.#coloring.scope.child('leaving');
    const view = new SubscriptionView(this.#state, this.#coloring.service, (concerns) => {
      const { service } = this.#coloring;
      if (concerns((whose, id) => whose === service || this.#servers.hasTarget(id))) this.#changed();
    });
    const parts = { view, servers: this.#servers };
    const reconciler = new LeaveReconciler(scope, this.#coloring, this.#state, parts);
    scope.defer(this.#coloring.mq.add(() => ({ work: reconciler.work() })));
    scope.defer(() => view.close());
    this.#working = { scope, view, reconciler };
    view.open();
    return this.#working;
  }

  #begun(serving: Scope, end: () => Promise<void>): () => Promise<void> {
    this.#working?.reconciler.look();
    let ended: Promise<void> | undefined;
    return () => {
      ended ??= this.#ended(serving, end());
      return ended;
    };
  }

  async #ended(serving: Scope, work: Promise<void>): Promise<void> {
    this.#working?.reconciler.look();
    await Promise.all([serving.dispose(), work]);
    this.#rest();
  }

  /** Nobody needs it now. */
  #rest(): void {
    if (!this.#servers.isEmpty || this.#listeners.size > 0) return;
    const working = this.#working;
    this.#working = undefined;
    void working?.scope.dispose();
  }

  #changed(): void {
    this.#working?.reconciler.look();
    for (const listener of [...this.#listeners]) {
      callSafely(this.#coloring.reporter, 'A listener for changes of subscriptions', listener);
    }
  }
}
