import type { InstanceChange, InstanceRecord, WatchObserver } from '@colorway/core';
import { type Scope, sleep } from '@colorway/core/background';
import { InstanceLedger } from './instance-ledger.js';
import { WatchFeed } from './watch-feed.js';

/** How long those that an outage has cost their leases have to come back, in milliseconds, unless said otherwise. */
export const DEFAULT_GRACE_MS = 15_000;

/** A watch of instances which holds on to those that vanished during an outage; see {@link InstanceLedger}. */
export class InstanceFeed {
  readonly watch: WatchFeed<InstanceChange>;
  readonly #ledger: InstanceLedger;
  readonly #graceMs: number;
  readonly #scope: Scope;

  /** @param scope ends when the watch is closed. */
  constructor(scope: Scope, observer: WatchObserver<InstanceChange>, graceMs: number, onClose: () => void) {
    this.#scope = scope;
    this.#graceMs = graceMs;
    this.#ledger = new InstanceLedger({ graceMs });
    this.watch = new WatchFeed(observer, onClose);
  }

  /** Everything that the directory knows. */
  all(records: Iterable<InstanceRecord>, afterOutage: boolean): void {
    this.#ledger.replace(records, afterOutage);
    this.watch.next({ kind: 'snapshot', instances: this.#ledger.all() });
    if (!afterOutage || this.#scope.isDisposed) return;
    // After a second outage there is nothing overdue before its own grace period is over.
    this.#scope.spawn('grace after an outage', async (signal) => {
      await sleep(this.#graceMs + 1, signal);
      if (!signal.aborted) this.#tell(this.#ledger.takeOverdue());
    });
  }

  /** `left` are gone for good; `vanished` may come back while the grace period after an outage lasts. */
  changed(change: Parameters<InstanceLedger['update']>[0]): void {
    this.#tell(this.#ledger.update(change));
  }

  current(): void {
    this.watch.current();
  }

  error(error: Error): void {
    this.watch.error(error);
  }

  #tell(change: InstanceChange | undefined): void {
    if (change !== undefined) this.watch.next(change);
  }
}
