/**
 * Calls over their redirects. One whose first hop left for a host that is no service does not become a call to a service
 * behind a redirect: who answers outside would choose what is called inside, signed by us.
 */
export class Journeys {
  /** The origin that a call left for, by what stands for the call at every hop: the handler that follows redirects. */
  readonly #left = new WeakMap<object, string>();
  #hasAny = false;

  /** Whether a call has left for another origin than this one; the same origin is a further attempt. */
  hasLeft(call: object, origin: string): boolean {
    if (!this.#hasAny) return false;
    const left = this.#left.get(call);
    return left !== undefined && left !== origin;
  }

  leaves(call: object, origin: string): void {
    this.#hasAny = true;
    if (!this.#left.has(call)) this.#left.set(call, origin);
  }
}
