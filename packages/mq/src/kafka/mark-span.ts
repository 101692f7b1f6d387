import { activeContext, type Color } from '@colorway/core';
import { trace } from '@opentelemetry/api';

/** Tells the span that is active, if there is one, whose message is handled. */
export function markSpan(group: string, color: Color | undefined): void {
  const span = trace.getSpan(activeContext());
  if (span === undefined || !span.isRecording()) return;
  span.setAttribute('coloring.group', group);
  if (color !== undefined) span.setAttribute('coloring.color', color);
}
