import type { Color } from './color.js';
import type { RouteDecision } from './route-decision.js';
import type { DirectoryView } from './view.js';

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
