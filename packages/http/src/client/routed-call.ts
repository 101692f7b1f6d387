import type { Agent, ClientRequest } from 'node:http';
import { type Color, count, type Routed, runInContext } from '@colorway/core';
import type { Context } from '@opentelemetry/api';
import type { RequestTarget } from './agent-address.js';
import { Attempt } from './attempt.js';
import type { Balancer } from './balancing/balancer.js';
import type { EndpointSet } from './balancing/endpoint-set.js';
import type { Standing } from './balancing/standing.js';
import { HeldUpgrade } from './held-upgrade.js';
import type { MeasuredRequest, Sending } from './measured-request.js';
import { mayGoOn, nobodyLeft } from './misdirected.js';
import { signRequest } from './request-headers.js';
import type { ServiceCaller } from './service-caller.js';
import { isResendable } from './upgrade-request.js';

/** What the calls of one client share. */
export interface Calls {
  readonly caller: ServiceCaller;
  readonly balancer: Balancer<Agent>;
  readonly maxRetries: number;
  /** What a request's options are overridden with at a further attempt. */
  address(standing: Standing<Agent>, named: string, options: RequestTarget): RequestTarget;
}

/** One call of node:http whose instances are chosen. */
export interface Chosen {
  readonly decision: Routed;
  readonly set: EndpointSet<Agent>;
  readonly color: Color | undefined;
  readonly context: Context;
  readonly options: RequestTarget;
  /** The host of its URL. */
  readonly named: string;
  /** Whether somebody outside tries again. */
  readonly isTriedOutside: boolean;
}

/** From the first attempt of a call to its last: it goes on to another instance where nothing was done. */
export class RoutedCall {
  readonly #calls: Calls;
  readonly #routed: Chosen;
  #held: HeldUpgrade | undefined;
  #tried: Set<Standing<Agent>> | undefined;
  #sent = 1;
  /** Those of them that came after connection failures. */
  #retries = 0;

  constructor(calls: Calls, routed: Chosen) {
    this.#calls = calls;
    this.#routed = routed;
  }

  sending(standing: Standing<Agent>, now: number): Sending<Agent> {
    const { set, color, context } = this.#routed;
    return {
      attempt: new Attempt(set, standing, now),
      color,
      clock: this.#calls.balancer.clock,
      context,
      goOn: (failed, error) => this.#goOn(failed, error),
    };
  }

  /**
   * Sends a request, which is as new, to another instance than those that have said that they are others.
   * @throws ColorwayError `COLORWAY_INSTANCE_MISDIRECTED` where there is none
   */
  resend({ request, sending: { attempt } }: MeasuredRequest<Agent>): Sending<Agent> {
    const { balancer, address } = this.#calls;
    const { set, options, named } = this.#routed;
    const now = balancer.clock.now();
    const standing = this.#another(attempt, now);
    if (standing === undefined) throw nobodyLeft(set.wanted);
    this.#tell(standing);
    const sending = this.sending(standing, now);
    const agent = standing.transport as Agent & { addRequest(request: ClientRequest, options: object): void };
    agent.addRequest(request, { ...options, ...address(standing, named, options) });
    return sending;
  }

  #goOn(failed: MeasuredRequest<Agent>, error: Error): Error | undefined {
    const { balancer, maxRetries } = this.#calls;
    const { set, isTriedOutside } = this.#routed;
    if (isTriedOutside || !isResendable(failed.request, error)) return error;
    const now = balancer.clock.now();
    const wasDisowned = mayGoOn(error);
    if (!wasDisowned && (this.#retries >= maxRetries || !set.budget.withdraw(now))) return error;
    const standing = this.#another(failed.sending.attempt, now);
    if (standing === undefined) return wasDisowned ? nobodyLeft(set.wanted) : error;
    if (!wasDisowned) this.#retries++;
    return this.#again(standing, failed, now);
  }

  /** One that none of the attempts so far was sent to. */
  #another({ standing }: Attempt<Agent>, now: number): Standing<Agent> | undefined {
    this.#tried = (this.#tried ?? new Set()).add(standing);
    return this.#routed.set.pickAgain(now, this.#tried);
  }

  #tell({ instance }: Standing<Agent>): void {
    const { decision, color } = this.#routed;
    count('coloring.retries', { 'coloring.service': decision.service });
    this.#calls.caller.attempt(decision, color, instance, ++this.#sent);
  }

  /** Gives back why it could not be sent. */
  #again(standing: Standing<Agent>, failed: MeasuredRequest<Agent>, now: number): Error | undefined {
    const { caller, address } = this.#calls;
    const { context, options, named } = this.#routed;
    const sending = this.sending(standing, now);
    this.#held ??= new HeldUpgrade(failed);
    const held = this.#held;
    try {
      runInContext(context, () => {
        this.#tell(standing);
        held.send({ ...options, ...address(standing, named, options) }, sending, (request) => {
          if (caller.signs) signRequest(request, caller);
        });
      });
      return undefined;
    } catch (error) {
      sending.attempt.end(now);
      return error as Error;
    }
  }
}
