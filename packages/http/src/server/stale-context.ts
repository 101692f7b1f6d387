import { type Coloring, count, type DecisionEvent } from '@colorway/core';

/**
 * Tells of a color that has probably stuck to what outlives its request: a timer, a connection, a queue. Counted each
 * time, logged once. `undefined` where nobody wants to know.
 */
export function staleContext({
  contextLoss,
}: Pick<Coloring, 'contextLoss'>): ((event: DecisionEvent) => void) | undefined {
  if (contextLoss === 'off') return undefined;
  let isLogged = contextLoss !== 'log';
  return ({ service, color }) => {
    count('coloring.context.stale', { 'coloring.service': service });
    if (isLogged) return;
    isLogged = true;
    process.emitWarning(
      `A call to service "${service}" has color "${color}" more than a minute after the request that brought it was answered: the color has probably stuck to a timer, a queue or a connection. ` +
        'Start what outlives a request, or serves others too, with detached() of colorway.',
      {
        type: 'ColorwayWarning',
        code: 'COLORWAY_CONTEXT_STALE',
        detail: new Error('The call was made here').stack ?? '',
      },
    );
  };
}
