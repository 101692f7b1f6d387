import {
  type Color,
  membershipKey,
  parseMembershipKey,
  parseSubscription,
  parseSubscriptionKey,
  type StateChange,
  type StateEntry,
  type StateStore,
  SUBSCRIPTION_PREFIX,
  type Subscription,
  type Watch,
} from '@colorway/core';

interface Known {
  readonly service: string;
  readonly id: string;
  readonly entry: StateEntry;
  /** Read when it is asked for: what concerns nobody here is neither parsed nor warned of. */
  read?: { readonly subscription: Subscription | undefined };
}

/** Given how to ask whether the change is of a subscription, or a membership, that concerns one. */
type OnChange = (concerns: (isOurs: (service: string, id: string) => boolean) => boolean) => void;

export interface KnownSubscription {
  readonly key: string;
  readonly version: string;
  readonly read: Subscription;
}

/** The subscriptions of all services, and the memberships of one, as a watch reports them. */
export class SubscriptionView {
  readonly #state: StateStore;
  readonly #service: string;
  readonly #onChange: OnChange;
  readonly #subscriptions = new Map<string, Known>();
  readonly #members = new Set<Color>();
  readonly #answered = { members: false };
  readonly #watches: Watch[] = [];

  constructor(state: StateStore, service: string, onChange: OnChange) {
    this.#state = state;
    this.#service = service;
    this.#onChange = onChange;
  }

  /** Idempotent. */
  open(): void {
    if (this.#watches.length > 0) return;
    // The last view serves while the directory is away, which the watch of the coloring reports.
    const observer = (apply: (change: StateChange) => readonly Known[] | 'ours') => ({
      next: (change: StateChange) => {
        const changed = apply(change);
        this.#onChange(
          (isOurs) => changed === 'ours' || changed.some(({ service, id }) => isOurs(service, id)),
        );
      },
      current: () => {},
      error: () => {},
    });
    const subscriptions = observer((change) => this.#applySubscriptions(change));
    const members = observer((change) => this.#applyMembers(change));
    this.#watches.push(
      this.#state.watch(SUBSCRIPTION_PREFIX, subscriptions),
      this.#state.watch(membershipKey(this.#service, ''), members),
    );
  }

  close(): void {
    for (const watch of this.#watches.splice(0)) watch.close();
    this.#answered.members = false;
    this.#subscriptions.clear();
    this.#members.clear();
  }

  /** Those that can be read, of the services and targets that `isOurs` wants. */
  *find(isOurs: (service: string, id: string) => boolean): Iterable<KnownSubscription> {
    for (const [key, known] of this.#subscriptions) {
      if (!isOurs(known.service, known.id)) continue;
      const read = readOf(known);
      if (read !== undefined) yield { key, version: known.entry.version, read };
    }
  }

  get(key: string): KnownSubscription | undefined {
    const known = this.#subscriptions.get(key);
    const read = known && readOf(known);
    return known && read && { key, version: known.entry.version, read };
  }

  /** Whether the color is known to contain the service; `undefined` before the directory has answered. */
  isMember(color: Color): boolean | undefined {
    return this.#answered.members ? this.#members.has(color) : undefined;
  }

  #applySubscriptions(change: StateChange): readonly Known[] {
    const changed: Known[] = [];
    const removed = change.kind === 'snapshot' ? [...this.#subscriptions.keys()] : change.removed;
    for (const key of removed) {
      const known = this.#subscriptions.get(key);
      if (known === undefined) continue;
      changed.push(known);
      this.#subscriptions.delete(key);
    }
    for (const entry of change.kind === 'snapshot' ? change.entries : change.put) {
      const parsed = parseSubscriptionKey(entry.key);
      if (parsed === undefined) continue;
      const known = { service: parsed.service, id: parsed.id, entry };
      changed.push(known);
      this.#subscriptions.set(entry.key, known);
    }
    return changed;
  }

  #applyMembers(change: StateChange): 'ours' {
    this.#answered.members = true;
    if (change.kind === 'snapshot') this.#members.clear();
    for (const { key } of change.kind === 'snapshot' ? change.entries : change.put) {
      const color = parseMembershipKey(key)?.color;
      if (color !== undefined) this.#members.add(color);
    }
    if (change.kind === 'delta') {
      for (const key of change.removed) this.#members.delete(parseMembershipKey(key)?.color ?? '');
    }
    return 'ours';
  }
}

function readOf(known: Known): Subscription | undefined {
  known.read ??= { subscription: parseSubscription(known.entry) };
  return known.read.subscription;
}
