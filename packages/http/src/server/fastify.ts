import { type Coloring, runInContext } from '@colorway/core';
import type { Context } from '@opentelemetry/api';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { SettledAdmission } from './admission.js';
import { answerByItself } from './answer.js';
import { Edge } from './edge.js';
import { guard } from './misdirected.js';
import type { ServerColoringOptions } from './options.js';
import type { RawRequest } from './raw.js';

export type { AcceptPolicy, AskedFlow, SecondSources, ServerColoringOptions } from './options.js';

export interface FastifyColoringOptions extends ServerColoringOptions<FastifyRequest> {
  readonly coloring: Coloring;
}

/**
 * Fastify 5: `fastify.register(fastifyColoring, { coloring })`, before other plugins, so that their hooks
 * run in the request's color. It holds for the instance that it is registered on and all below.
 */
export const fastifyColoring: FastifyPluginAsync<FastifyColoringOptions> = async (fastify, options) => {
  const { coloring, ...rest } = options;
  const edge = new Edge<FastifyRequest>(coloring, rest, true);
  guard(coloring, fastify.server);
  edge.watchUpgrades(fastify.server);
  let kept: symbol | null | undefined;
  fastify.addHook('onRequest', (request, reply, next) => {
    if (kept === undefined) kept = findKeptContext(request) ?? null; // the same for all requests of an instance
    const holder = request as unknown as Record<symbol, Context | null>;
    const admission = edge.admit(request.raw, reply.raw, request, (kept && holder[kept]) ?? undefined);
    if (admission.kind === 'pass') next();
    else if (admission.kind !== 'wait') act(admission, request, reply, next);
    else void admission.settled.then((settled) => act(settled, request, reply, next));
  });

  function act(
    admission: SettledAdmission,
    request: FastifyRequest,
    reply: FastifyReply,
    next: (error?: Error) => void,
  ): void {
    if (admission.kind === 'pass') next();
    else if (admission.kind === 'enter') {
      if (kept) (request as unknown as Record<symbol, Context | null>)[kept] = admission.context;
      runInContext(admission.context, next);
    } else if (admission.kind === 'refuse' && (request.raw as RawRequest).upgrade !== true) {
      next(admission.error);
    } else {
      // What comes behind our hook would close the connection of an upgrade that is refused, and does not run.
      reply.hijack(); // its own hooks are the application's
      answerByItself(request.raw, reply.raw, admission.error);
    }
  }
};

// What fastify-plugin sets: the hook belongs to the instance, not to an encapsulated child of it.
Object.assign(fastifyColoring, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@colorway/http',
  [Symbol.for('plugin-meta')]: { name: '@colorway/http', fastify: '>=5' },
});

/**
 * `@fastify/otel` runs every hook and handler in a context that it keeps on the request. It is made before our hook
 * runs, so it lacks a color that came in the flow header alone, and still has one that the policy did not accept.
 */
function findKeptContext(request: FastifyRequest): symbol | undefined {
  return Object.getOwnPropertySymbols(request).find(
    ({ description }) => description === 'fastify otel request context',
  );
}
