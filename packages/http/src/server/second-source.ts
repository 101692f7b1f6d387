import { type CarrierNames, type Incoming, NOTHING_INCOMING, parseIncoming } from '@colorway/core';
import type { AskedFlow, SecondSources } from './options.js';
import type { RawRequest } from './raw.js';

/** What a request says, and by which carrier. */
export interface Found {
  readonly incoming: Incoming;
  readonly source: AskedFlow['source'];
}

/** What there is then, OpenTelemetry has read. */
export const NOTHING_FOUND: Found = Object.freeze({ incoming: NOTHING_INCOMING, source: 'propagator' });

/** The names of the query parameter and of the cookie that are read, as far as each is switched on. */
export function sourceNames(
  { query, cookie }: SecondSources,
  { headers }: CarrierNames,
): { readonly query: string | undefined; readonly cookie: string | undefined } {
  const nameOf = (said: true | string | undefined) => (said === true ? headers[0] : said);
  return { query: nameOf(query), cookie: nameOf(cookie) };
}

/** Reads the flow type from the query, else from a cookie, as far as each is switched on. Never throws. */
export function secondSource(sources: SecondSources, carriers: CarrierNames): (request: RawRequest) => Found {
  const { query, cookie } = sourceNames(sources, carriers);
  return ({ url, headers }) => {
    const inQuery = query === undefined ? undefined : fromQuery(url, query);
    if (inQuery !== undefined) return { incoming: parseIncoming(inQuery, carriers), source: 'query' };
    const inCookie = cookie === undefined ? undefined : fromCookie(headers.cookie, cookie);
    if (inCookie !== undefined) return { incoming: parseIncoming(inCookie, carriers), source: 'cookie' };
    return NOTHING_FOUND;
  };
}

function fromQuery(url: string | undefined, name: string): string[] | undefined {
  const start = url?.indexOf('?') ?? -1;
  if (url === undefined || start === -1) return undefined;
  const values = new URLSearchParams(url.slice(start + 1)).getAll(name);
  return values.length === 0 ? undefined : values;
}

/** RFC 6265, section 4.2.1; a value may stand in double quotes. The first cookie of the name counts. */
function fromCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals === -1 || pair.slice(0, equals).trim() !== name) continue;
    return decode(
      pair
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    );
  }
  return undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // malformed: no grammar accepts a percent sign in a color
  }
}
