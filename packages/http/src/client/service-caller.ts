import {
  activeContext,
  type Color,
  type Coloring,
  type ColorwayError,
  colorOf,
  explain,
  type FlowType,
  type Instance,
  isColorwayError,
  type RouteDecision,
  refusal,
  route,
  runInContext,
  withoutFlowType,
} from '@colorway/core';
import type { ServiceAuth, SignedHeaders } from '../auth/service-auth.js';
import type { Message } from '../auth/signature.js';
import { ContextLoss } from './context-loss.js';
import type { ClientOptions } from './options.js';
import type { Target } from './target.js';

/** What to do with a call: a decision of routing, or one of these. */
export type Way = RouteDecision | typeof PASS | typeof WAIT;

/** The host is no service: on through the wrapped client, without the color. */
export const PASS = 'pass';
/** The directory has not answered yet, and the answer may matter. */
export const WAIT = 'wait';

type Routed = Extract<RouteDecision, { kind: 'colored' | 'baseline' }>;
type Refused = Exclude<RouteDecision, Routed>;

/**
 * What all clients have in common: which calls are routed, wait, pass through or are refused, and what is told
 * of it.
 */
export class ServiceCaller {
  readonly coloring: Coloring;
  /** Whether calls to services are signed. */
  readonly signs: boolean;
  readonly #auth: ServiceAuth | undefined;
  readonly #services: ReadonlySet<string>;
  readonly #propagateTo: (host: string) => boolean;
  readonly #contextLoss: ContextLoss;

  constructor(coloring: Coloring, { services = [], propagateTo = [], auth }: ClientOptions) {
    this.coloring = coloring;
    this.signs = auth !== undefined;
    this.#auth = auth;
    this.#services = new Set(services);
    this.#propagateTo =
      typeof propagateTo === 'function'
        ? propagateTo
        : (host) =>
            propagateTo.some((one) =>
              typeof one === 'string' ? one.toLowerCase() === host : host.search(one) !== -1,
            );
    this.#contextLoss = new ContextLoss(coloring);
  }

  /** The headers that prove who makes a call; none where nobody asks for it. */
  signature(message: Message): SignedHeaders {
    return this.#auth?.sign(this.coloring, message) ?? [];
  }

  /** Where a call goes now. */
  way(target: Target, flow: FlowType | undefined): Way {
    if (!target.maybeService) return PASS;
    const { host } = target;
    const view = this.coloring.view();
    if (!view.answered) return this.#wayUnanswered(target, flow);
    if (view.services.get(host) === undefined && !this.#services.has(host)) return PASS;
    return route(colorOf(flow), host, view);
  }

  /**
   * Where a call goes once the directory has answered.
   * @throws ColorwayError `COLORWAY_DIRECTORY_UNANSWERED` (law 6), or what the signal gives as its reason
   */
  async wayAnswered(
    target: Target,
    flow: FlowType | undefined,
    signal?: AbortSignal,
  ): Promise<Exclude<Way, typeof WAIT>> {
    try {
      await this.coloring.answeredView(signal);
    } catch (error) {
      if (isColorwayError(error) && error.code === 'COLORWAY_DIRECTORY_UNANSWERED') {
        this.#tell(
          { kind: 'unknown', reason: 'directory-unanswered', service: target.host },
          colorOf(flow),
          undefined,
          1,
        );
      }
      throw error;
    }
    const way = this.way(target, flow);
    return way === WAIT ? { kind: 'unknown', reason: 'directory-unanswered', service: target.host } : way;
  }

  /** Whether a host that is no service gets the color. */
  propagates(target: Target | undefined): boolean {
    return target !== undefined && this.#propagateTo(target.host);
  }

  /** Tells of a decision that refuses, and gives the error to throw. */
  refuse(decision: Refused, color: Color | undefined): ColorwayError {
    this.#tell(decision, color, undefined, 1);
    return refusal(decision, color);
  }

  /** Tells of one attempt. Call it in the caller's context. */
  attempt(decision: Routed, color: Color | undefined, instance: Instance, attempt: number): void {
    this.#tell(decision, color, instance, attempt);
  }

  /** Notices a probably lost color. Call it for calls to services that have no flow type. */
  checkContext(service: string): void {
    this.#contextLoss.check(service);
  }

  /** Runs what leaves for a foreign host where OpenTelemetry's instrumentations find no color either (law 8). */
  outsideColor<T>(fn: () => T): T {
    return runInContext(withoutFlowType(activeContext(), this.coloring.carriers), fn);
  }

  #wayUnanswered({ host, isLocal, isSingleLabel }: Target, flow: FlowType | undefined): Way {
    if (isLocal) return PASS;
    return colorOf(flow) !== undefined || isSingleLabel || this.#services.has(host) ? WAIT : PASS;
  }

  #tell(
    { kind, reason, service }: RouteDecision,
    color: Color | undefined,
    instance: Instance | undefined,
    attempt: number,
  ): void {
    explain({ caller: this.coloring.service, service, color, kind, reason, instance, attempt });
  }
}
