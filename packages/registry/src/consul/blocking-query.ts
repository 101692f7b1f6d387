import { backoffMs, type Scope, sleep } from '@colorway/core/background';
import type { HttpAnswer } from '../http-client/index.js';
import type { ConsulCall, ConsulClient } from './consul-client.js';

export interface BlockingObserver<T> {
  /** `afterOutage`: changes were missed meanwhile. `index` is the last one that changed what was asked for. */
  answered(value: T, about: { readonly index: bigint; readonly afterOutage: boolean }): void;
  /** It waited, and nothing has changed. */
  unchanged(): void;
  failed(error: Error): void;
}

const MAX_BACKOFF_MS = 5_000;

/** Changes that come together are read together; a client reads at most about 20 MB/s of long answers. */
const GATHER_MS = 10;
const BYTES_A_MS = 20_000;

/**
 * Asks for the same thing for ever, each time waiting for a change (https://developer.hashicorp.com/consul/api-docs/features/blocking).
 * Begins anew, without an index, after a failure and when the index went backwards (servers made anew, or from
 * a backup).
 */
export class BlockingQuery<T> {
  readonly #client: ConsulClient;
  readonly #call: ConsulCall;
  readonly #waitMs: number;
  readonly #read: (answer: HttpAnswer) => T;
  readonly #observer: BlockingObserver<T>;
  readonly #signal: AbortSignal;
  #index: bigint | undefined;
  #failures = 0;
  #wentBack = false;

  /** @param scope ends when the watch is closed. */
  constructor(
    scope: Scope,
    client: ConsulClient,
    { waitMs, ...call }: ConsulCall & { readonly waitMs: number },
    read: (answer: HttpAnswer) => T,
    observer: BlockingObserver<T>,
  ) {
    this.#signal = scope.signal;
    this.#client = client;
    this.#waitMs = waitMs;
    this.#call = { ...call, background: true, signal: scope.signal };
    this.#read = read;
    this.#observer = observer;
    scope.spawn(call.path, () => this.#run());
  }

  get isFailing(): boolean {
    return this.#failures > 0;
  }

  async #run(): Promise<void> {
    const signal = this.#signal;
    while (!signal.aborted) {
      try {
        const { value, index, length } = await this.#ask();
        if (signal.aborted) return;
        const pauseMs = this.#take(value, index) ? GATHER_MS + length / BYTES_A_MS : 0;
        if (pauseMs > 0) await sleep(pauseMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#index = undefined;
        this.#observer.failed(error as Error);
        await sleep(backoffMs(this.#failures++, MAX_BACKOFF_MS), signal);
      }
    }
  }

  #ask() {
    const read = (answer: HttpAnswer) => ({
      index: indexOf(answer),
      value: this.#read(answer),
      length: answer.text.length,
    });
    if (this.#index === undefined) return this.#client.call(this.#call, read);
    return this.#client.blocking(this.#call, { index: this.#index, waitMs: this.#waitMs }, read);
  }

  /** Whether there was a change. */
  #take(value: T, index: bigint): boolean {
    if (this.#index !== undefined && index < this.#index) {
      // This very answer may be one of a server that lags behind: ask once more, without waiting.
      this.#index = undefined;
      this.#wentBack = true;
      return true;
    }
    const isChanged = index !== this.#index;
    const afterOutage = this.#failures > 0 || this.#wentBack;
    this.#index = index;
    this.#failures = 0;
    this.#wentBack = false;
    if (isChanged) this.#observer.answered(value, { index, afterOutage });
    else this.#observer.unchanged();
    return isChanged;
  }
}

/** Consul's advice: an index is above 0, or a query with it would not wait. @throws Error */
function indexOf(answer: HttpAnswer): bigint {
  const text = answer.header('x-consul-index') ?? '';
  if (!/^\d{1,20}$/.test(text))
    throw new Error('its answer has no X-Consul-Index, so it is not Consul that answers');
  const index = BigInt(text);
  return index > 0n ? index : 1n;
}
