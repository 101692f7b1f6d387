import type { RawRequest } from './raw.js';

/**
 * Whether one of these headers (names in lower case) may stand in a request. A no is certain. Node makes the
 * `headers` object when somebody first asks for it, which costs more than the rest of an uncolored request's
 * way through the middleware; so, while nobody has, only names of the right length and first letter are looked for
 * in the list as it came. Once there is an object, somebody may have added to it, and it is asked.
 */
export function headerGlance(names: readonly string[]): (request: RawRequest) => boolean {
  const wanted = names.map((name) => ({ length: name.length, first: name.charCodeAt(0) | LOWER_CASE }));
  return function mayCarry(request: RawRequest): boolean {
    const { rawHeaders } = request;
    if (rawHeaders === undefined || hasHeadersObject(request)) return true;
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] as string;
      for (const { length, first } of wanted) {
        if (name.length === length && (name.charCodeAt(0) | LOWER_CASE) === first) return true;
      }
    }
    return false;
  };
}

const LOWER_CASE = 0x20;

/** Where `http.IncomingMessage` keeps the object; a Node that keeps it elsewhere is asked for `headers` at once. */
let kept: symbol | null | undefined;

function hasHeadersObject(request: RawRequest): boolean {
  kept ??=
    Object.getOwnPropertySymbols(request).find(({ description }) => description === 'kHeaders') ?? null;
  if (kept === null) return true;
  const headers = (request as unknown as Record<symbol, unknown>)[kept];
  return headers !== null;
}
