import {
  type CarrierNames,
  ColorwayError,
  type Directory,
  type DirectoryView,
  type InstanceRecord,
  MEMBERSHIP_PREFIX,
  quote,
  ViewStore,
  type Watch,
  type WatchObserver,
} from '@colorway/core';
import { callSafely, Deferred, type Reporter, reasonOf, type Scope, within } from '@colorway/core/background';

type Half = 'instances' | 'state';

type Listener = (view: DirectoryView) => void;

/** The view of a directory, kept up to date by a watch on each half from the moment that it is made. */
export class WatchedView {
  readonly #store: ViewStore;
  readonly #watches: Watch[] = [];
  readonly #listeners = new Set<Listener>();
  readonly #answered = new Deferred<DirectoryView>();
  /** When each half was last known to be current, by the monotonic clock. */
  readonly #currentAt = new Map<Half, number>();
  /** The halves that are away, and since when, so that an outage is reported once, and its end. */
  readonly #away = new Map<Half, number>();
  readonly #reporter: Reporter;
  #told: DirectoryView;
  #whoBounds = '';
  #telling = false;
  #closed = false;

  /** @param scope ends the waits for a first answer; the view goes on until `close`. */
  constructor(directory: Directory, names: CarrierNames, { reporter, signal }: Scope) {
    this.#reporter = reporter;
    signal.addEventListener('abort', () => this.#answered.reject(signal.reason), { once: true });
    this.#store = new ViewStore({
      names,
      onUnusable: (why) => this.#reporter.once('COLORWAY_INSTANCE_UNUSABLE', why, why),
      onBounded: (record, greatest) => this.#bounded(record, greatest),
    });
    this.#told = this.#store.current();
    this.#currentAt.set('instances', Number.NEGATIVE_INFINITY);
    if (directory.state === undefined) this.#withoutState();
    else this.#currentAt.set('state', Number.NEGATIVE_INFINITY);
    try {
      this.#watches.push(
        directory.instances.watch(
          this.#observer('instances', (change) => this.#store.applyInstances(change)),
        ),
      );
      if (directory.state !== undefined) {
        const observer = this.#observer<Parameters<ViewStore['applyMemberships']>[0]>('state', (change) =>
          this.#store.applyMemberships(change),
        );
        this.#watches.push(directory.state.watch(MEMBERSHIP_PREFIX, observer));
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  current(): DirectoryView {
    return this.#store.current();
  }

  /** No instance counts with more weight; `undefined` for no bound. `whoSays` goes into the warning. */
  boundWeights(greatest: number | undefined, whoSays: string): void {
    this.#whoBounds = whoSays;
    this.#store.boundWeights(greatest);
    this.#scheduleTelling();
  }

  ageMs(): number {
    return performance.now() - Math.min(...this.#currentAt.values());
  }

  /** The first answered view, waited for at most `timeoutMs`. The caller's wait keeps the process alive. */
  async answered(timeoutMs: number, signal?: AbortSignal): Promise<DirectoryView> {
    signal?.throwIfAborted();
    if (this.current().answered) return this.current();
    const late = (): Error => unanswered(timeoutMs);
    return within(timeoutMs, this.#answered.promise, late, { signal, keepsAlive: true });
  }

  onChange(listener: Listener): () => void {
    const own: Listener = (view) => listener(view);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  close(): void {
    this.#closed = true;
    for (const watch of this.#watches) watch.close();
    this.#listeners.clear();
  }

  #observer<Change>(half: Half, apply: (change: Change) => void): WatchObserver<Change> {
    return {
      next: (change) => {
        try {
          apply(change);
        } catch (error) {
          this.#lost(half, `it told what cannot be read: ${reasonOf(error)}`);
          return;
        }
        this.#current(half);
        this.#scheduleTelling();
      },
      current: () => this.#current(half),
      error: (error) => this.#lost(half, reasonOf(error)),
    };
  }

  #current(half: Half): void {
    const now = performance.now();
    this.#currentAt.set(half, now);
    if (this.#store.forgetGone()) this.#scheduleTelling();
    const since = this.#away.get(half);
    if (since === undefined) return;
    this.#away.delete(half);
    const seconds = Math.round((now - since) / 1_000);
    this.#reporter.warn(
      'COLORWAY_DIRECTORY_BACK',
      `The directory (${half}) answers again, after ${seconds} s.`,
    );
  }

  #lost(half: Half, why: string): void {
    if (this.#closed || this.#away.has(half)) return;
    this.#away.set(half, performance.now());
    const meanwhile = this.#store.current().answered
      ? 'The last view goes on.'
      : 'Colored calls wait for its first answer, and then fail.';
    this.#reporter.warn('COLORWAY_DIRECTORY_FAILED', `The directory (${half}) is away: ${why} ${meanwhile}`);
  }

  #bounded({ id, service, weight }: InstanceRecord, greatest: number): void {
    this.#reporter.once(
      'COLORWAY_WEIGHT_BOUNDED',
      `Instance ${quote(id)} of service ${quote(service)} says weight ${quote(weight)}, and the policy of this directory allows ${greatest}${this.#whoBounds}: it counts as that. Further ones do so without a report.`,
    );
  }

  #withoutState(): void {
    this.#store.applyMemberships({ kind: 'snapshot', entries: [] });
    this.#reporter.once(
      'COLORWAY_STATE_MISSING',
      'The directory has no state half, so no service can be declared a member of an environment: when the last colored instance of a service is gone, its calls go to the baseline instead of failing. Use composeDirectory({ instances, state }).',
    );
  }

  /** Once a turn of the event loop, however many changes came in it. */
  #scheduleTelling(): void {
    if (this.#telling) return;
    this.#telling = true;
    setImmediate(() => {
      this.#telling = false;
      if (!this.#closed) this.#tell();
    });
  }

  #tell(): void {
    const view = this.#store.current();
    if (view === this.#told) return;
    this.#told = view;
    if (view.answered) this.#answered.resolve(view);
    for (const listener of [...this.#listeners]) {
      callSafely(this.#reporter, 'A listener of onViewChange', () => listener(view));
    }
  }
}

function unanswered(timeoutMs: number): ColorwayError {
  return new ColorwayError(
    'COLORWAY_DIRECTORY_UNANSWERED',
    `The directory has not answered within ${timeoutMs} ms since this process started. Check that it can be reached, or raise directoryTimeoutMs.`,
  );
}
