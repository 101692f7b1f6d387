import type { EndpointSet } from './balancing/endpoint-set.js';
import type { Ticket } from './balancing/outstanding.js';
import type { Standing } from './balancing/standing.js';
import { countsAsFailure, isDeadline, isGatewayFailure } from './connection-failure.js';

/** What an attempt came to, as far as it says something of its instance. */
export type Outcome = 'success' | 'refused' | 'failure' | 'deadline' | 'abandoned' | 'misdirected';

/**
 * One request at one instance: what it says of that instance is taken in once, in whatever order the answer, the end
 * and errors come; but an answer that breaks off in its middle is a failure after all.
 */
export class Attempt<T> {
  readonly standing: Standing<T>;
  readonly set: EndpointSet<T>;
  readonly #ticket: Ticket;
  #judged: Outcome | undefined;
  #isOver = false;

  constructor(set: EndpointSet<T>, standing: Standing<T>, now: number) {
    this.set = set;
    this.standing = standing;
    this.#ticket = standing.began(now);
  }

  judge(outcome: Outcome, now: number): void {
    const brokeOff = this.#judged === 'success' && outcome === 'failure';
    if (this.#judged !== undefined && !brokeOff) return;
    this.#judged = outcome;
    const { set, standing } = this;
    const ticket = this.#ticket;
    const latency = now - ticket.began;
    if (outcome === 'success') standing.succeeded(ticket, latency, now);
    else if (outcome === 'refused') standing.refused(ticket, now);
    else if (outcome === 'misdirected') set.disowned(standing, ticket, now);
    else if (outcome === 'failure' || (outcome === 'deadline' && standing.hangs(latency, now)))
      set.failed(standing, ticket, latency, now);
    else standing.abandoned(ticket, latency, now);
  }

  /** The request is over: its instance has one less. Idempotent. */
  end(now: number): void {
    this.judge('abandoned', now);
    if (this.#isOver) return;
    this.#isOver = true;
    this.standing.ended();
  }
}

/** @param isRefusal whether the answer passes on a refusal of Colorway. */
export function outcomeOf(status: number, isRefusal: boolean): Outcome {
  if (!isGatewayFailure(status)) return 'success';
  return isRefusal ? 'refused' : 'failure';
}

export function outcomeOfError(error: unknown): Outcome {
  if (countsAsFailure(error)) return 'failure';
  return isDeadline(error) ? 'deadline' : 'abandoned';
}
