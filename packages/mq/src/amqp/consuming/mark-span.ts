import { activeContext, type Color } from '@colorway/core';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { Owner } from '../mode.js';

/** Tells the span that is active, if there is one, whose message it is and why. */
export function markSpan(queue: string, color: Color | undefined, { kind, reason }: Owner): void {
  const context = activeContext();
  if (context === ROOT_CONTEXT) return;
  const span = trace.getSpan(context);
  if (span === undefined || !span.isRecording()) return;
  span.setAttributes({ 'coloring.group': queue, 'coloring.kind': kind, 'coloring.reason': reason });
  if (color !== undefined) span.setAttribute('coloring.color', color);
}
