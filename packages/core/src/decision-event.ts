import type { Color } from './color.js';
import type { Instance } from './instance.js';
import type { RouteDecision, RouteReason } from './route-decision.js';

/** One decision as it is told to spans, metrics, `diagnostics_channel` and the response. */
export interface DecisionEvent {
  /** The service that calls. */
  readonly caller: string;
  /** The service that is called. */
  readonly service: string;
  /** The color of the call. */
  readonly color: Color | undefined;
  readonly kind: RouteDecision['kind'];
  readonly reason: RouteReason;
  /** The one that was picked; none where the call was refused. */
  readonly instance: Instance | undefined;
  /** 1 for the first try. */
  readonly attempt: number;
}
