import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Coloring, runInContext } from '@colorway/core';
import type { SettledAdmission } from './admission.js';
import { answerByItself } from './answer.js';
import { Edge } from './edge.js';
import type { ServerColoringOptions } from './options.js';

export type { AcceptPolicy, AskedFlow, SecondSources, ServerColoringOptions } from './options.js';

/** What is used of Koa's `ctx`. */
export interface KoaColoringContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/**
 * Koa: `app.use(koaColoring(coloring))`, before everything that should run in the request's color. Name the
 * context's type to use it in the policy: `koaColoring<Koa.Context>(coloring, { accept: (ctx) => ctx.ip === '10.0.0.1' })`.
 */
export function koaColoring<Context extends KoaColoringContext = KoaColoringContext>(
  coloring: Coloring,
  options: ServerColoringOptions<Context> = {},
): (context: Context, next: () => Promise<unknown>) => Promise<unknown> {
  const edge = new Edge(coloring, options);
  return function colorway(context, next) {
    const admission = edge.admit(context.req, context.res, context);
    if (admission.kind === 'pass') return next();
    if (admission.kind !== 'wait') return act(admission, context, next);
    return admission.settled.then((settled) => act(settled, context, next));
  };
}

function act(
  admission: SettledAdmission,
  { req, res }: KoaColoringContext,
  next: () => Promise<unknown>,
): Promise<unknown> {
  switch (admission.kind) {
    case 'pass':
      return next();
    case 'enter':
      return runInContext(admission.context, next);
    case 'refuse':
      return Promise.reject(admission.error);
    case 'misdirected':
      return Promise.resolve(answerByItself(req, res, admission.error));
  }
}
