import { channel } from 'node:diagnostics_channel';
import { trace } from '@opentelemetry/api';
import { activeContext } from './active-context.js';
import type { DecisionEvent } from './decision-event.js';
import { count, isCounting } from './metrics.js';
import { trailIn } from './trail.js';

/** `diagnostics_channel` on which every {@link DecisionEvent} is published. */
export const DECISION_CHANNEL = 'colorway:decision';

const decisions = channel(DECISION_CHANNEL);

/** Tells a decision to all who listen: the response's trail, the active span, metrics and the channel (law 9). */
export function explain(event: DecisionEvent): void {
  const context = activeContext();
  trailIn(context)?.add(event);
  if (decisions.hasSubscribers) decisions.publish(event);
  if (isCounting()) {
    count('coloring.decisions', {
      'coloring.service': event.service,
      'coloring.kind': event.kind,
      'coloring.reason': event.reason,
    });
  }
  const span = trace.getSpan(context);
  if (span === undefined || !span.isRecording()) return;
  if (event.color !== undefined) span.setAttribute('coloring.color', event.color);
  span.addEvent('coloring.decision', {
    'coloring.service': event.service,
    'coloring.kind': event.kind,
    'coloring.reason': event.reason,
    'coloring.attempt': event.attempt,
    ...(event.instance === undefined
      ? {}
      : { 'coloring.instance': `${event.instance.host}:${event.instance.port}` }),
  });
}
