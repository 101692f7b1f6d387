import {
  activeContext,
  type Color,
  type Coloring,
  type ColorwayError,
  colorOf,
  count,
  type DirectoryView,
  explain,
  type FlowType,
  type Instance,
  isColorwayError,
  type Refused,
  type RouteDecision,
  type Routed,
  refusal,
  route,
  runInContext,
  untrustedBaggage,
  withoutFlowType,
} from '@colorway/core';
import { type Context, propagation } from '@opentelemetry/api';
import type { ServiceAuth, SignedHeaders } from '../auth/service-auth.js';
import type { Message } from '../auth/signature.js';
import { ContextLoss } from './context-loss.js';
import type { ClientOptions } from './options.js';
import { overTls } from './over-tls.js';
import { type Target, Targets } from './target.js';

/** What to do with a call: a decision of routing, or one of these. */
export type Way = RouteDecision | typeof PASS | typeof WAIT;

/** The host is no service: on through the wrapped client, without the color. */
export const PASS = 'pass';
/** The directory has not answered yet, and the answer may matter. */
export const WAIT = 'wait';

/**
 * What all clients have in common: which calls are routed, wait, pass through or are refused, and what is told
 * of it.
 */
export class ServiceCaller {
  readonly coloring: Coloring;
  readonly targets: Targets;
  /** Whether calls to services are signed. */
  readonly signs: boolean;
  readonly #auth: ServiceAuth | undefined;
  readonly #propagateTo: (host: string) => boolean;
  readonly #contextLoss: ContextLoss;
  /** Whether somebody has waited for the first answer of the directory in vain. */
  #isAway = false;

  constructor(coloring: Coloring, options: ClientOptions) {
    const { propagateTo = [], auth } = options;
    this.coloring = coloring;
    this.targets = new Targets(options);
    this.signs = auth !== undefined;
    this.#auth = auth;
    this.#propagateTo =
      typeof propagateTo === 'function'
        ? (host) => propagateTo(host) === true // a promise is not a yes
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
    const view = this.coloring.view();
    if (!target.maybeService) return this.#passed(target, flow, view);
    if (!view.answered) return this.#wayUnanswered(target, flow);
    const service = serviceIn(view, target.service) ?? serviceIn(view, target.host);
    if (service !== undefined) {
      const decision = route(colorOf(flow), service, view);
      return target.isSecure ? overTls(decision) : decision;
    }
    if (target.isExpected) return route(colorOf(flow), target.service, view);
    return this.#passed(target, flow, view);
  }

  /**
   * Where a call goes once the directory has answered. One without a color that need not be for a service waits no
   * longer than others, and then goes where it would without Colorway.
   * @throws ColorwayError `COLORWAY_DIRECTORY_UNANSWERED` (law 6), or what the signal gives as its reason
   */
  async wayAnswered(
    target: Target,
    flow: FlowType | undefined,
    signal?: AbortSignal,
  ): Promise<Exclude<Way, typeof WAIT>> {
    const unanswered = { kind: 'unknown', reason: 'directory-unanswered', service: target.service } as const;
    try {
      await this.coloring.answeredView(signal);
    } catch (error) {
      if (isColorwayError(error) && error.code === 'COLORWAY_DIRECTORY_UNANSWERED') {
        if (colorOf(flow) === undefined && !target.isExpected) {
          this.#isAway = true;
          return PASS;
        }
        this.#tell(unanswered, colorOf(flow), undefined, 1);
      }
      throw error;
    }
    const way = this.way(target, flow);
    return way === WAIT ? unanswered : way;
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

  /** Whether instrumentations would add a color to a call without one: they have read it, and nobody has accepted it. */
  holdsUntrusted(context: Context): boolean {
    return untrustedBaggage(context, this.coloring.carriers) !== undefined;
  }

  /** Runs what has color and baggage in its headers already where OpenTelemetry's instrumentations find neither to add. */
  onTheWire<T>(fn: () => T): T {
    const context = withoutFlowType(activeContext(), this.coloring.carriers);
    return runInContext(propagation.deleteBaggage(context), fn);
  }

  /** Says of a name without a dot that nobody knows what Colorway knows: it was probably meant for a service. */
  explainNotFound({ host, isSingleLabel }: Target, error: unknown): void {
    const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
    if (!isSingleLabel || (code !== 'ENOTFOUND' && code !== 'EAI_AGAIN') || message.includes(ADDED)) return;
    const view = this.coloring.view();
    const known = [...view.services.keys()].sort();
    const some = known.slice(0, MAX_NAMED).join(', ') + (known.length > MAX_NAMED ? ', ...' : '');
    const what = view.answered
      ? `does not know a service "${host}"; it knows ${known.length === 0 ? 'none' : some}`
      : 'has not answered yet';
    (error as Error).message = `${message}. ${ADDED} ${what}.`;
  }

  #wayUnanswered(target: Target, flow: FlowType | undefined): Way {
    if (colorOf(flow) !== undefined || target.isExpected) return WAIT;
    return target.isSingleLabel && !this.#isAway ? WAIT : PASS;
  }

  /** A colored call that leaves the services, though its host is nearly one, was probably meant for it. */
  #passed(target: Target, flow: FlowType | undefined, view: DirectoryView): typeof PASS {
    const { nearly, host } = target;
    if (target.isUnlisted && serviceIn(view, host) !== undefined) this.#shadowed(host);
    if (nearly === undefined || colorOf(flow) === undefined || !view.answered) return PASS;
    const service = serviceIn(view, nearly);
    if (service === undefined) return PASS;
    count('coloring.nearly_routed', { 'coloring.service': service });
    this.coloring.reporter.once(
      'COLORWAY_NEARLY_ROUTED',
      `A colored call to host "${host}" went on without its color: the directory knows service "${service}", and the call names a host or port of its own. ` +
        `Call http://${service}/, or tell the client with its options "hosts" and "ports".`,
      host,
    );
    return PASS;
  }

  #shadowed(host: string): void {
    this.coloring.reporter.once(
      'COLORWAY_SERVICE_UNLISTED',
      `The directory knows a service "${host}", which is the name of a host too: calls go to the host, without a color. ` +
        `If it is a service of yours, list it in the client's option "services"; if not, find out who registered it.`,
      host,
    );
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

const ADDED = "Colorway's directory";
const MAX_NAMED = 10;

/** The service of this name, as it spells itself: names compare without case, as hosts do. */
function serviceIn({ services, spelled }: DirectoryView, name: string): string | undefined {
  return services.get(name) === undefined ? spelled.get(name) : name;
}
