/**
 * The messages of a partition that handlers were given where commits are the application's: those at or above the
 * position, which may be given again or to somebody else, and the last one below it.
 */
export class OwnMessages {
  /** Ascending. */
  #offsets: bigint[] = [];

  get last(): bigint | undefined {
    return this.#offsets.at(-1);
  }

  /** @param position everything below was handled or passed over */
  add(offset: bigint, position: bigint | undefined): void {
    const below = this.#offsets.filter((known) => known < offset);
    const open = below.findIndex((known) => position === undefined || known >= position);
    this.#offsets = [...below.slice(open === -1 ? -1 : Math.max(0, open - 1)), offset];
  }

  /** Somebody else's now: the handler that was given it had given it up, and it came again. */
  passedOver(offset: string): void {
    const last = this.last?.toString();
    if (last === undefined || last.length < offset.length) return;
    if (last.length === offset.length && last < offset) return;
    const at = BigInt(offset);
    this.#offsets = this.#offsets.filter((known) => known !== at);
  }

  lastBelow(boundary: bigint | undefined): bigint | undefined {
    return boundary === undefined ? this.last : this.#offsets.findLast((offset) => offset < boundary);
  }
}
