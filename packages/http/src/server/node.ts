import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Coloring, runInContext } from '@colorway/core';
import type { SettledAdmission } from './admission.js';
import { answerByItself, answerError } from './answer.js';
import { Edge } from './edge.js';
import type { ServerColoringOptions } from './options.js';
import type { RawRequest, RawResponse } from './raw.js';

export { coloredServer } from './colored-server.js';
export type { AcceptPolicy, AskedFlow, SecondSources, ServerColoringOptions } from './options.js';
export type { RawRequest, RawResponse } from './raw.js';

/**
 * `node:http`, `node:https`, and `node:http2`'s compatibility API:
 * `http.createServer(nodeColoring(coloring, (request, response) => ...))`. The listener keeps its type. An invalid
 * flow type, with `onInvalid: 'refuse'`, is answered here: 400, JSON `{ code, message }`. Where a replay store of `auth` answers
 * later, so does the listener run, and `undefined` is returned.
 */
export function nodeColoring<Result>(
  coloring: Coloring,
  listener: (request: IncomingMessage, response: ServerResponse) => Result,
  options?: ServerColoringOptions<IncomingMessage>,
): (request: IncomingMessage, response: ServerResponse) => Result | undefined;
/** The same for other classes of request and response: those of `node:http2`, or your own. */
export function nodeColoring<Request extends RawRequest, Response extends RawResponse, Result>(
  coloring: Coloring,
  listener: (request: Request, response: Response) => Result,
  options?: ServerColoringOptions<Request>,
): (request: Request, response: Response) => Result | undefined;
export function nodeColoring<Request extends RawRequest, Response extends RawResponse, Result>(
  coloring: Coloring,
  listener: (request: Request, response: Response) => Result,
  options: ServerColoringOptions<Request> = {},
): (request: Request, response: Response) => Result | undefined {
  const edge = new Edge(coloring, options);
  return function colorway(this: unknown, request, response) {
    const admission = edge.admit(request, response, request);
    if (admission.kind === 'pass') return listener.call(this, request, response);
    const serve = () => listener.call(this, request, response);
    if (admission.kind !== 'wait') return act(admission, request, response, serve);
    void admission.settled.then((settled) => act(settled, request, response, serve));
    return undefined;
  };
}

function act<Result>(
  admission: SettledAdmission,
  request: RawRequest,
  response: RawResponse,
  serve: () => Result,
): Result | undefined {
  switch (admission.kind) {
    case 'pass':
      return serve();
    case 'enter':
      return runInContext(admission.context, serve);
    case 'refuse':
      return answerError(response, admission.error);
    case 'misdirected':
      return answerByItself(request, response, admission.error);
  }
}
