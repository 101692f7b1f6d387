import type { InstanceChange, InstanceRecord, WatchObserver } from '@colorway/core';
import { InstanceLedger } from './instance-ledger.js';
import { WatchFeed } from './watch-feed.js';

/** How long those that an outage has cost their leases have to come back, in milliseconds, unless said otherwise. */
export const DEFAULT_GRACE_MS = 15_000;

/** A watch of instances which holds on to those that vanished during an outage; see {@link InstanceLedger}. */
export class InstanceFeed {
  readonly watch: WatchFeed<InstanceChange>;
  readonly #ledger: InstanceLedger;
  readonly #graceMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(observer: WatchObserver<InstanceChange>, graceMs: number, onClose: () => void) {
    this.#graceMs = graceMs;
    this.#ledger = new InstanceLedger({ graceMs });
    this.watch = new WatchFeed(observer, () => {
      clearTimeout(this.#timer);
      onClose();
    });
  }

  /** Everything that the directory knows. */
  all(records: Iterable<InstanceRecord>, afterOutage: boolean): void {
    this.#ledger.replace(records, afterOutage);
    this.watch.next({ kind: 'snapshot', instances: this.#ledger.all() });
    if (!afterOutage) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(this.#ledger.takeOverdue()), this.#graceMs + 1).unref();
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
