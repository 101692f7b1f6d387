/** A request that has not been answered; see {@link Outstanding}. */
export interface Ticket {
  /** By a steady clock, in milliseconds. */
  readonly began: number;
  older: Ticket | undefined;
  newer: Ticket | undefined;
  isOut: boolean;
}

/**
 * The requests that have not been answered, in the order in which they began: how long the oldest waits. A list that
 * is linked both ways, so that each is taken out at a constant cost, and one that waits for hours holds up nothing.
 */
export class Outstanding {
  #oldest: Ticket | undefined;
  #newest: Ticket | undefined;

  add(now: number): Ticket {
    const ticket: Ticket = { began: now, older: this.#newest, newer: undefined, isOut: true };
    if (this.#newest === undefined) this.#oldest = ticket;
    else this.#newest.newer = ticket;
    this.#newest = ticket;
    return ticket;
  }

  /** Idempotent. */
  remove(ticket: Ticket): void {
    if (!ticket.isOut) return;
    ticket.isOut = false;
    const { older, newer } = ticket;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }

  /** How long the oldest waits, in milliseconds; 0 where there is none. */
  age(now: number): number {
    return this.#oldest === undefined ? 0 : Math.max(now - this.#oldest.began, 0);
  }
}
