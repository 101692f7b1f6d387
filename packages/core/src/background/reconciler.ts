import type { Reporter } from './reporter.js';
import { reasonOf } from './reporter.js';
import type { Scope } from './scope.js';
import { backoffMs } from './time-limit.js';

/** What one look at a key came to. */
export type StepOutcome =
  /** Nothing to do before something changes. It is looked at again after `idleMs` all the same. */
  | { readonly kind: 'settled' }
  /** Look again after so many milliseconds, and earlier when something changes. */
  | {
      readonly kind: 'again';
      readonly afterMs: number;
      /** What it waits for, for people; follows 'waits for'. */
      readonly waitingFor?: string;
      /** What to do about it, in a sentence; none where time alone ends the wait. */
      readonly remedy?: string;
    };

export interface ReconcilerOptions<Key> {
  /** Owns all of it; ends with it. */
  readonly scope: Scope;
  /** Of what it reconciles, for reports: `hand-over of GID_order`. */
  readonly name: string;
  /** The keys that need reconciling now. Asked at every look; to be quick. A key that is gone is forgotten. */
  readonly keys: () => Iterable<Key>;
  /** Tells keys apart, and names them in reports. Default `String(key)`. */
  readonly nameOf?: (key: Key) => string;
  /**
   * Brings one key nearer to what it should be, from what it finds: level-triggered, and safe to repeat. Each call to
   * a server has a time limit of its own. A rejection is a failure: the key backs off.
   */
  readonly step: (key: Key, signal: AbortSignal) => Promise<StepOutcome>;
  /** How long a settled key is left alone when nobody asks, in milliseconds. */
  readonly idleMs: number;
  /** The least time between the starts of two looks at one key, whoever asks, in milliseconds. Default 50. */
  readonly floorMs?: number;
  /** Of a key that failed, in milliseconds. Default 250 to 10,000. Nobody shortens it. */
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
}

/** How one key stands. Times are milliseconds since the epoch. */
export interface KeyStatus {
  readonly key: string;
  readonly state: 'due' | 'running' | 'settled' | 'waiting' | 'failing';
  /** Since when it is in this state, for the same reason. */
  readonly since: number;
  readonly waitingFor?: string;
  readonly remedy?: string;
  /** Of the last look, where it failed. */
  readonly lastError?: string;
  /** Looks that failed one after the other. */
  readonly failures: number;
  /** When it is looked at next, if nobody asks before. */
  readonly nextAt: number;
}

interface Entry<Key> {
  key: Key;
  readonly name: string;
  running: boolean;
  /** Somebody asked while it was running. */
  asked: boolean;
  state: KeyStatus['state'];
  since: number;
  startedAt: number;
  dueAt: number;
  failures: number;
  lastError: string | undefined;
  waitingFor: string | undefined;
  remedy: string | undefined;
}

const FAILED = 'COLORWAY_RECONCILE_FAILED';
const BACKOFF = { firstMs: 250, maxMs: 10_000 };

/**
 * Brings keys to where they should be, each by itself: one that fails, hangs or waits holds up no other one. Modelled on
 * the controllers of Kubernetes: level-triggered, one work queue, back-off by key, the last error in the status.
 */
export class Reconciler<Key> {
  readonly #options: ReconcilerOptions<Key>;
  readonly #reporter: Reporter;
  readonly #entries = new Map<string, Entry<Key>>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(options: ReconcilerOptions<Key>) {
    this.#options = options;
    this.#reporter = options.scope.reporter;
    options.scope.signal.addEventListener('abort', () => this.#end(), { once: true });
  }

  /** Something may be due, for one key or for all. Nothing after the scope was disposed. */
  look(key?: Key): void {
    if (this.#options.scope.isDisposed) return;
    this.#refreshKeys();
    const name = key === undefined ? undefined : this.#nameOf(key);
    for (const entry of this.#entries.values()) {
      if (name !== undefined && entry.name !== name) continue;
      if (entry.running) entry.asked = true;
      else if (entry.failures === 0) entry.dueAt = this.#earliest(entry);
    }
    this.#schedule();
  }

  status(): readonly KeyStatus[] {
    return Array.from(this.#entries.values(), (entry) => ({
      key: entry.name,
      state: entry.state,
      since: entry.since,
      failures: entry.failures,
      nextAt: wallClock(entry.dueAt),
      ...(entry.waitingFor !== undefined && { waitingFor: entry.waitingFor }),
      ...(entry.remedy !== undefined && { remedy: entry.remedy }),
      ...(entry.lastError !== undefined && { lastError: entry.lastError }),
    }));
  }

  #refreshKeys(): void {
    const present = new Set<string>();
    for (const key of this.#options.keys()) {
      const name = this.#nameOf(key);
      present.add(name);
      const known = this.#entries.get(name);
      if (known === undefined) this.#entries.set(name, newEntry(key, name));
      else known.key = key;
    }
    for (const [name, { running }] of this.#entries) {
      if (present.has(name) || running) continue;
      this.#entries.delete(name);
      this.#reporter.forget(FAILED, this.#subject(name));
    }
  }

  /** As soon as the floor allows. */
  #earliest({ startedAt }: Entry<Key>): number {
    return Math.max(performance.now(), startedAt + (this.#options.floorMs ?? 50));
  }

  #schedule(): void {
    let next = Number.POSITIVE_INFINITY;
    const now = performance.now();
    for (const entry of [...this.#entries.values()]) {
      if (entry.running) continue;
      if (entry.dueAt <= now) this.#start(entry);
      else next = Math.min(next, entry.dueAt);
    }
    if (next === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    if (next === Number.POSITIVE_INFINITY || this.#options.scope.isDisposed) return;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.#refreshKeys();
        this.#schedule();
      },
      Math.max(0, Math.ceil(next - now)),
    ).unref();
  }

  #start(entry: Entry<Key>): void {
    entry.running = true;
    entry.asked = false;
    entry.startedAt = performance.now();
    this.#options.scope.spawn(`${this.#options.name} ${entry.name}`, async (signal) => {
      try {
        this.#succeeded(entry, await this.#options.step(entry.key, signal));
      } catch (error) {
        if (!signal.aborted) this.#failed(entry, error);
      } finally {
        entry.running = false;
      }
      if (signal.aborted) return;
      if (entry.asked && entry.failures === 0) entry.dueAt = this.#earliest(entry);
      this.#refreshKeys();
      this.#schedule();
    });
  }

  #succeeded(entry: Entry<Key>, outcome: StepOutcome): void {
    entry.failures = 0;
    entry.lastError = undefined;
    const waits = outcome.kind === 'again' ? outcome.waitingFor : undefined;
    this.#enter(entry, outcome.kind === 'settled' ? 'settled' : 'waiting', waits);
    entry.remedy = outcome.kind === 'again' ? outcome.remedy : undefined;
    const afterMs = outcome.kind === 'settled' ? this.#options.idleMs : outcome.afterMs;
    entry.dueAt = Math.max(this.#earliest(entry), performance.now() + afterMs);
    this.#reporter.working(FAILED, this.#subject(entry.name));
  }

  #failed(entry: Entry<Key>, error: unknown): void {
    const { firstMs, maxMs } = this.#options.backoff ?? BACKOFF;
    entry.lastError = reasonOf(error);
    this.#enter(entry, 'failing', entry.waitingFor);
    entry.dueAt = performance.now() + backoffMs(entry.failures, maxMs, Math.random, firstMs);
    entry.failures++;
    this.#reporter.failing(FAILED, this.#subject(entry.name), error);
  }

  #enter(entry: Entry<Key>, state: KeyStatus['state'], waitingFor: string | undefined): void {
    if (entry.state !== state || entry.waitingFor !== waitingFor) entry.since = Date.now();
    entry.state = state;
    entry.waitingFor = waitingFor;
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { name } of this.#entries.values()) this.#reporter.forget(FAILED, this.#subject(name));
    this.#entries.clear();
  }

  #subject(name: string): string {
    return `${this.#options.name} ${name}`;
  }

  #nameOf(key: Key): string {
    return this.#options.nameOf?.(key) ?? String(key);
  }
}

function newEntry<Key>(key: Key, name: string): Entry<Key> {
  return {
    ...{ key, name, running: false, asked: false, failures: 0 },
    ...{
      state: 'due' as const,
      since: Date.now(),
      lastError: undefined,
      waitingFor: undefined,
      remedy: undefined,
    },
    ...{ startedAt: Number.NEGATIVE_INFINITY, dueAt: Number.NEGATIVE_INFINITY },
  };
}

function wallClock(monotonic: number): number {
  return monotonic === Number.NEGATIVE_INFINITY
    ? Date.now()
    : Math.round(Date.now() + monotonic - performance.now());
}
