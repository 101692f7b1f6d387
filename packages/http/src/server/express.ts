import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Coloring, runInContext } from '@colorway/core';
import type { SettledAdmission } from './admission.js';
import { answerByItself } from './answer.js';
import { Edge } from './edge.js';
import type { ServerColoringOptions } from './options.js';

export type { AcceptPolicy, AskedFlow, SecondSources, ServerColoringOptions } from './options.js';

/**
 * Express 4 and 5 (Connect, Restify and NestJS take the same shape): `app.use(expressColoring(coloring))`, before
 * everything that should run in the request's color. Name the request's type to use it in the policy:
 * `expressColoring<express.Request>(coloring, { accept: (request) => request.ip === '10.0.0.1' })`.
 */
export function expressColoring<Request extends IncomingMessage = IncomingMessage>(
  coloring: Coloring,
  options: ServerColoringOptions<Request> = {},
): (request: Request, response: ServerResponse, next: (error?: unknown) => void) => void {
  const edge = new Edge(coloring, options);
  return function colorway(request, response, next) {
    const admission = edge.admit(request, response, request);
    if (admission.kind === 'pass') next();
    else if (admission.kind !== 'wait') act(admission, request, response, next);
    else void admission.settled.then((settled) => act(settled, request, response, next));
  };
}

function act(
  admission: SettledAdmission,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
): void {
  if (admission.kind === 'pass') next();
  else if (admission.kind === 'enter') runInContext(admission.context, next);
  else if (admission.kind === 'refuse') next(admission.error);
  else answerByItself(request, response, admission.error);
}
