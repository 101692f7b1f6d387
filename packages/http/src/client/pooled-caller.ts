import { type Coloring, ColorwayError, count } from '@colorway/core';
import type { Dispatcher, Pool } from 'undici';
import { Balancer } from './balancing/balancer.js';
import { resolveBalancing } from './balancing/balancing-options.js';
import { openPool } from './instance-pool.js';
import type { ClientOptions } from './options.js';
import { ServiceCaller } from './service-caller.js';

export interface PoolOptions extends ClientOptions {
  /** Options of the pool of each instance. Default: undici's, which has no limit of connections. */
  readonly pool?: Pool.Options;
}

/** What dispatchers of one client share: the rules of calls, and a pool for each instance. */
export class PooledCaller {
  readonly caller: ServiceCaller;
  readonly balancer: Balancer<Dispatcher>;
  readonly maxRetries: number;
  readonly #release: (() => void)[];
  #closing: Promise<void> | undefined;

  constructor(coloring: Coloring, options: PoolOptions) {
    const balancing = resolveBalancing(options.balancing);
    this.caller = new ServiceCaller(coloring, options);
    this.maxRetries = balancing.retry.max;
    this.balancer = new Balancer<Dispatcher>({
      balancing,
      open: (instance) => openPool(instance, options.pool ?? {}, options.tlsServerName),
      close: (pool) => void pool.close(),
    });
    this.#release = [
      coloring.onViewChange((view) => this.balancer.follow(view)),
      coloring.onClose('release', () => this.close()),
    ];
  }

  /** @throws ColorwayError `COLORWAY_CLOSED` */
  mustBeOpen(): void {
    if (this.#closing === undefined) return;
    throw new ColorwayError(
      'COLORWAY_CLOSED',
      'This client was closed, or its coloring was. Make another one.',
    );
  }

  countRetry(service: string): void {
    count('coloring.retries', { 'coloring.service': service });
  }

  /** Lets the requests in flight end, then closes the pools. Idempotent. */
  close(): Promise<void> {
    return this.#end((pool) => pool.close());
  }

  /** Ends the requests in flight with an error, and closes the pools. */
  async destroy(error: Error | null): Promise<void> {
    void this.#end(() => Promise.resolve());
    await Promise.all(this.balancer.transports.map((pool) => pool.destroy(error)));
  }

  #end(how: (pool: Dispatcher) => Promise<void>): Promise<void> {
    this.#closing ??= (async () => {
      for (const release of this.#release) release();
      await Promise.all(this.balancer.transports.map(how));
    })();
    return this.#closing;
  }
}
