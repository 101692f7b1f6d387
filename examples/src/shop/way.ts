/** Sends one request to the shop and tells the way that it took. */
import type { Served } from './process.js';

export interface Way {
  readonly status: number;
  /** Who served, in order. Empty where the entry refused. */
  readonly hops: readonly Served[];
  /** What the decisions say of themselves, from `Server-Timing`. */
  readonly decisions: readonly Decision[];
  /** The typed error of a refused request. */
  readonly refusal?: { readonly code: string; readonly message: string };
}

export interface Decision {
  readonly service: string;
  readonly reason: string;
}

export async function requestWay(port: number, color: string | undefined, order: string): Promise<Way> {
  const headers: Record<string, string> = color === undefined ? {} : { 'x-infr-flowtype': `CE_${color}` };
  const response = await fetch(`http://127.0.0.1:${port}/orders/${order}`, { headers });
  const body = (await response.json()) as Partial<Served> & { code?: string; message?: string };
  const way = { status: response.status, decisions: readDecisions(response.headers.get('server-timing')) };
  if (body.code !== undefined)
    return { ...way, hops: [], refusal: { code: body.code, message: body.message ?? '' } };
  return { ...way, hops: flatten(body as Served) };
}

function flatten(served: Served): Served[] {
  return [served, ...(served.next === undefined ? [] : flatten(served.next as Served))];
}

/** `order;desc="feat-cart 127.0.0.1:3001 colored", stock;desc=…` */
function readDecisions(serverTiming: string | null): Decision[] {
  const entries = serverTiming?.matchAll(/([^,;\s]+);desc="\S+ \S+ (\S+)"/g) ?? [];
  return Array.from(entries, ([, service = '', reason = '']) => ({ service, reason }));
}
