import { type Color, isColor } from './color.js';

/**
 * Who a routed request is meant for: a service, and a color of it or (`undefined`) its baseline. The caller writes it
 * in one header; an instance that is another one answers 421 before the application runs, and the caller goes on
 * to the next. So law 4 holds where an address is used again, and where a view is late.
 */
export interface Wanted {
  /** In lower case: names of services compare without case, as hosts do. */
  readonly service: string;
  /** As it was written: colors compare with case. */
  readonly color: Color | undefined;
}

/**
 * Stands (`1`) on the 421 of an instance that is not the wanted one, and on the 503 of one that is going away: it tells them
 * from an application's own.
 */
export const MISDIRECTED_HEADER = 'x-colorway-misdirected';

/** `order`, `red` -> `order/red`; `order/` for the baseline's instances. */
export function formatWanted(service: string, color: Color | undefined): string {
  return `${service}/${color ?? ''}`;
}

/** `undefined` for none and for what is malformed; a header that stands twice is malformed. Never throws. */
export function parseWanted(value: unknown): Wanted | undefined {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return undefined;
  const slash = value.indexOf('/');
  if (slash === -1) return undefined;
  const service = value.slice(0, slash);
  const color = value.slice(slash + 1);
  if (!SERVICE.test(service) || (color !== '' && !isColor(color))) return undefined;
  return { service: service.toLowerCase(), color: color === '' ? undefined : color };
}

const SERVICE = /^[A-Za-z0-9._-]{1,128}$/;
const MAX_LENGTH = 192; // 128 + 1 + 63
