import { setMaxListeners } from 'node:events';
import { ColorwayError } from '../errors.js';
import { defaultReporter, type Reporter } from './reporter.js';

/** Disposing says what it waits for when it takes longer than this. */
const SLOW_DISPOSE_MS = 10_000;

/**
 * Owns background work: every loop, timer, watch and hidden connection is started in a scope, and ends with it.
 *
 * `dispose()` aborts the signal, waits for all that was started here and in child scopes, and then runs what was
 * deferred, last first. A scope that is disposed takes no more work.
 *
 * A task must not await the disposal of its own scope: it would wait for itself.
 */
export class Scope {
  readonly name: string;
  readonly #reporter: Reporter;
  readonly #parent: Scope | undefined;
  readonly #controller = new AbortController();
  readonly #children = new Set<Scope>();
  readonly #tasks = new Map<Promise<unknown>, string>();
  readonly #deferred = new Set<{ readonly release: () => unknown }>();
  #disposal: Promise<void> | undefined;

  constructor(name: string, options: { readonly reporter?: Reporter; readonly parent?: Scope } = {}) {
    this.name = name;
    this.#parent = options.parent;
    // One listener for each thing that waits here: many are no leak.
    setMaxListeners(0, this.signal);
    this.#reporter = options.reporter ?? options.parent?.reporter ?? defaultReporter();
  }

  get reporter(): Reporter {
    return this.#reporter;
  }

  /** Aborted as soon as disposal begins. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isDisposed(): boolean {
    return this.signal.aborted;
  }

  /** A scope that is disposed with this one, or earlier. @throws ColorwayError `COLORWAY_CLOSED` */
  child(name: string): Scope {
    this.#mustBeOpen(name);
    const child = new Scope(`${this.name} > ${name}`, { parent: this });
    this.#children.add(child);
    liveScopes().add(this.#root);
    return child;
  }

  /**
   * Starts a task that nobody awaits. A rejection after the abort is the task's way to end; any other is reported
   * as `COLORWAY_BACKGROUND_FAILED`, or as `COLORWAY_INTERNAL` where it is a programming error.
   * @throws ColorwayError `COLORWAY_CLOSED`
   */
  spawn(name: string, task: (signal: AbortSignal) => Promise<unknown>): void {
    this.run(name, task).catch((error: unknown) => {
      if (this.isDisposed) return;
      this.#reporter.failure('COLORWAY_BACKGROUND_FAILED', `${this.name} > ${name}`, error);
    });
  }

  /**
   * Starts a task whose outcome is the caller's; disposal waits for it too.
   * @throws ColorwayError `COLORWAY_CLOSED`
   */
  run<T>(name: string, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#mustBeOpen(name);
    const promise = startTask(task, this.signal);
    this.#tasks.set(promise, name);
    liveScopes().add(this.#root);
    const forget = (): void => {
      this.#tasks.delete(promise);
      this.#forgetIfIdle();
    };
    promise.then(forget, forget);
    return promise;
  }

  /**
   * Calls `action` again and again, `ms` after it has ended, until disposal. The timer does not keep the process
   * alive. A rejection is reported once until a call succeeds.
   * @throws ColorwayError `COLORWAY_CLOSED`
   */
  every(ms: number, name: string, action: (signal: AbortSignal) => Promise<unknown> | unknown): void {
    this.#mustBeOpen(name);
    let timer: NodeJS.Timeout | undefined;
    const about = `${this.name} > ${name}`;
    const call = async (signal: AbortSignal): Promise<void> => {
      try {
        await action(signal);
        this.#reporter.working('COLORWAY_BACKGROUND_FAILED', about);
      } catch (error) {
        if (!signal.aborted) this.#reporter.failing('COLORWAY_BACKGROUND_FAILED', about, error);
      }
      if (!signal.aborted) schedule();
    };
    const schedule = (): void => {
      timer = setTimeout(() => {
        if (!this.isDisposed) this.spawn(name, call);
      }, ms).unref();
    };
    schedule();
    this.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  /**
   * Has `release` called at disposal, after all tasks have ended; the last deferred is the first released. On a scope
   * that is disposed already it is called at once. Returns how to call it earlier; it is called once.
   */
  defer(release: () => unknown): () => Promise<void> {
    const entry = { release };
    const now = async (): Promise<void> => {
      if (this.#deferred.delete(entry)) await this.#release(entry.release);
    };
    this.#deferred.add(entry);
    if (this.#disposal !== undefined) void now();
    return now;
  }

  /** Idempotent; never rejects. Says what it waits for after 10 s. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  /** The names of what runs here and in child scopes. */
  running(): readonly string[] {
    const own = Array.from(this.#tasks.values(), (task) => `${this.name} > ${task}`);
    return [...own, ...[...this.#children].flatMap((child) => child.running())];
  }

  async #dispose(): Promise<void> {
    const slow = setTimeout(() => {
      const waitsFor = this.running().join(', ') || 'what was deferred';
      this.#reporter.warn('COLORWAY_CLOSE_PENDING', `${this.name} is closing and waits for: ${waitsFor}.`);
    }, SLOW_DISPOSE_MS).unref();
    this.#controller.abort(new ColorwayError('COLORWAY_CLOSED', `${this.name} was closed.`));
    // A task may start another one in its last moments, through a child that is not disposed yet.
    while (this.#tasks.size > 0 || this.#children.size > 0) {
      await Promise.all([
        ...Array.from(this.#children, (child) => child.dispose()),
        Promise.allSettled(this.#tasks.keys()),
      ]);
    }
    for (const entry of [...this.#deferred].reverse()) {
      if (this.#deferred.delete(entry)) await this.#release(entry.release);
    }
    clearTimeout(slow);
    this.#parent?.removeChild(this);
    this.#forgetIfIdle();
  }

  /** @internal */
  removeChild(child: Scope): void {
    this.#children.delete(child);
    this.#forgetIfIdle();
  }

  async #release(release: () => unknown): Promise<void> {
    try {
      await release();
    } catch (error) {
      this.#reporter.failure('COLORWAY_BACKGROUND_FAILED', `${this.name}, while it was closed`, error);
    }
  }

  #forgetIfIdle(): void {
    const root = this.#root;
    if (root.running().length === 0) liveScopes().delete(root);
  }

  get #root(): Scope {
    let scope: Scope = this;
    for (let up = scope.#parent; up !== undefined; up = scope.#parent) scope = up;
    return scope;
  }

  #mustBeOpen(what: string): void {
    if (this.isDisposed) throw new ColorwayError('COLORWAY_CLOSED', `${this.name} is closed: no ${what}.`);
  }
}

/** A task that throws before its first await rejects like any other. */
async function startTask<T>(task: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  return task(signal);
}

const LIVE = Symbol.for('colorway.scopes.1');

function liveScopes(): Set<Scope> {
  const globals = globalThis as { [LIVE]?: Set<Scope> };
  globals[LIVE] ??= new Set();
  return globals[LIVE];
}

/** What background work runs in this process now, of all scopes: for tests, which fail when something is left over. */
export function runningTasks(): readonly string[] {
  return [...liveScopes()].flatMap((scope) => scope.running());
}
