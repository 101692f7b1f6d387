import { type Color, isColor } from '@colorway/core';

/** Who has sent a request, proved by its signature. */
export interface Caller {
  readonly service: string;
  /** The color of the calling instance, not of the request; `undefined` for the baseline. */
  readonly color: Color | undefined;
  /** Which of the shared secrets it knows. */
  readonly keyId: string;
}

/** The header that names the caller: a structured string (RFC 9651), `"order";color="feat-cart"`. */
export const CALLER = 'colorway-caller';

export function formatCaller(service: string, color: Color | undefined): string {
  return color === undefined ? `"${service}"` : `"${service}";color="${color}"`;
}

export function parseCaller(text: string): { service: string; color: Color | undefined } | undefined {
  const [, service, color] = /^"([A-Za-z0-9._-]{1,128})"(?:;color="([^"]*)")?$/.exec(text.trim()) ?? [];
  if (service === undefined || (color !== undefined && !isColor(color))) return undefined;
  return { service, color };
}

/** `Symbol.for`, so that two copies of this package agree. */
const CALLED_BY = Symbol.for('colorway.caller');

export function setCaller(request: object, caller: Caller): void {
  Object.defineProperty(request, CALLED_BY, { value: caller, configurable: true });
}

/**
 * Who has sent this request: that of Express or `node:http`, Fastify's, or Koa's `ctx`. `undefined` where no valid
 * signature came with it, and where the middleware has no `auth`.
 */
export function callerOf(request: object): Caller | undefined {
  const { raw, req } = request as { raw?: object; req?: object };
  for (const holder of [request, raw, req]) {
    const caller = (holder as { [CALLED_BY]?: Caller } | undefined)?.[CALLED_BY];
    if (caller !== undefined) return caller;
  }
  return undefined;
}
