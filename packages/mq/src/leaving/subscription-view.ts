import {
  type Color,
  membershipKey,
  parseMembershipKey,
  parseSubscription,
  type StateChange,
  type StateStore,
  type Subscription,
  subscriptionPrefix,
  type Watch,
} from '@colorway/core';

/** The subscriptions and memberships of one service, as a watch tells of them. */
export class SubscriptionView {
  readonly #state: StateStore;
  readonly #service: string;
  readonly #onChange: () => void;
  readonly #subscriptions = new Map<string, { readonly version: string; readonly read: Subscription }>();
  readonly #members = new Set<Color>();
  readonly #answered = { subscriptions: false, members: false };
  readonly #watches: Watch[] = [];

  constructor(state: StateStore, service: string, onChange: () => void) {
    this.#state = state;
    this.#service = service;
    this.#onChange = onChange;
  }

  /** Idempotent. */
  open(): void {
    if (this.#watches.length > 0) return;
    // The last view serves while the directory is away.
    const observer = (apply: (change: StateChange) => void) => ({
      next: (change: StateChange) => {
        apply(change);
        this.#onChange();
      },
      current: () => {},
      error: () => {},
    });
    const subscriptions = observer((change) => this.#applySubscriptions(change));
    const members = observer((change) => this.#applyMembers(change));
    this.#watches.push(
      this.#state.watch(subscriptionPrefix(this.#service), subscriptions),
      this.#state.watch(membershipKey(this.#service, ''), members),
    );
  }

  close(): void {
    for (const watch of this.#watches.splice(0)) watch.close();
    this.#answered.subscriptions = false;
    this.#answered.members = false;
    this.#subscriptions.clear();
    this.#members.clear();
  }

  /** All subscriptions that can be read, with their keys. */
  *all(): Iterable<{ readonly key: string; readonly version: string; readonly read: Subscription }> {
    for (const [key, { version, read }] of this.#subscriptions) yield { key, version, read };
  }

  /** Whether the color is known to contain the service; `undefined` before the directory has answered. */
  isMember(color: Color): boolean | undefined {
    return this.#answered.members ? this.#members.has(color) : undefined;
  }

  #applySubscriptions(change: StateChange): void {
    this.#answered.subscriptions = true;
    if (change.kind === 'snapshot') this.#subscriptions.clear();
    for (const entry of change.kind === 'snapshot' ? change.entries : change.put) {
      const read = parseSubscription(entry);
      if (read === undefined) this.#subscriptions.delete(entry.key);
      else this.#subscriptions.set(entry.key, { version: entry.version, read });
    }
    if (change.kind === 'delta') for (const key of change.removed) this.#subscriptions.delete(key);
  }

  #applyMembers(change: StateChange): void {
    this.#answered.members = true;
    if (change.kind === 'snapshot') this.#members.clear();
    for (const { key } of change.kind === 'snapshot' ? change.entries : change.put) {
      const color = parseMembershipKey(key)?.color;
      if (color !== undefined) this.#members.add(color);
    }
    if (change.kind === 'delta') {
      for (const key of change.removed) this.#members.delete(parseMembershipKey(key)?.color ?? '');
    }
  }
}
