import type { Color } from './color.js';
import type { DirectoryView, Instance } from './view.js';

/** What routing says for one call, and why. `instances` is never empty. */
export type RouteDecision =
  | { readonly kind: 'colored'; readonly reason: 'colored'; readonly service: string; readonly instances: Instances }
  | {
      readonly kind: 'baseline';
      readonly reason: 'no-color' | 'not-member';
      readonly service: string;
      readonly instances: Instances;
    }
  | {
      readonly kind: 'unavailable';
      readonly reason: 'member-down' | 'baseline-down';
      readonly service: string;
    }
  | {
      readonly kind: 'unknown';
      readonly reason: 'directory-unanswered' | 'service-unknown';
      readonly service: string;
    };

export type RouteReason = RouteDecision['reason'];

type Instances = readonly [Instance, ...Instance[]];

/**
 * Where a call of this color to this service goes (laws 2, 3, 4 and 6). Pure, two map look-ups, and no
 * allocation where the service is known.
 */
export function route(color: Color | undefined, service: string, view: DirectoryView): RouteDecision {
  if (!view.answered) return { kind: 'unknown', reason: 'directory-unanswered', service };
  const found = view.services.get(service);
  if (found === undefined) return { kind: 'unknown', reason: 'service-unknown', service };
  if (color === undefined) return found.uncolored;
  return found.colored.get(color) ?? found.undeclared;
}
