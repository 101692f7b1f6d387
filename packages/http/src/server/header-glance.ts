import type { RawRequest } from './raw.js';

/** What may stand in a request's headers: flags, 0 for nothing. */
export const MAY_CARRY_FLOW = 1;
export const MAY_CARRY_WANTED = 2;
export const MAY_CARRY_FOREIGN = 4;

/**
 * Whether a header of these names (in lower case) may stand in a request: `flow` are those that carry a flow type,
 * `foreign` those in which other propagators would. A no
 * is certain. Node makes the `headers` object when somebody first asks for it, which costs more than the rest of an
 * uncolored request's way through the middleware; so, while nobody has, only names of the right length, first and last
 * letter are looked for in the list as it came. Once there is an object (Fastify 5 makes it), somebody may have added to it,
 * and it is asked for the names themselves.
 */
export function headerGlance(
  flow: readonly string[],
  wanted: string,
  foreign: readonly string[] = [],
): (request: RawRequest) => number {
  const shapes = [
    ...flow.map((name) => shapeOf(name, MAY_CARRY_FLOW)),
    shapeOf(wanted, MAY_CARRY_WANTED),
    ...foreign.map((name) => shapeOf(name, MAY_CARRY_FOREIGN)),
  ];
  // One look at most names: few have the length of one that is looked for. Shifts count modulo 32, here and below.
  let lengths = 0;
  for (const { length } of shapes) lengths |= 1 << length;
  return function mayCarry(request: RawRequest): number {
    const { rawHeaders } = request;
    let found = 0;
    if (rawHeaders === undefined || hasHeadersObject(request)) {
      const { headers } = request;
      for (const name of flow) if (headers[name] !== undefined) found |= MAY_CARRY_FLOW;
      for (const name of foreign) if (headers[name] !== undefined) found |= MAY_CARRY_FOREIGN;
      return headers[wanted] === undefined ? found : found | MAY_CARRY_WANTED;
    }
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] as string;
      if (((lengths >>> name.length) & 1) === 0) continue;
      const first = name.charCodeAt(0) | LOWER_CASE;
      for (const shape of shapes) {
        if (
          name.length === shape.length &&
          first === shape.first &&
          (name.charCodeAt(shape.length - 1) | LOWER_CASE) === shape.last
        )
          found |= shape.flag;
      }
    }
    return found;
  };
}

interface Shape {
  readonly length: number;
  readonly first: number;
  readonly last: number;
  readonly flag: number;
}

function shapeOf(name: string, flag: number): Shape {
  return {
    length: name.length,
    first: name.charCodeAt(0) | LOWER_CASE,
    last: name.charCodeAt(name.length - 1) | LOWER_CASE,
    flag,
  };
}

const LOWER_CASE = 0x20;

/** Where `http.IncomingMessage` keeps the object; a Node that keeps it elsewhere is asked for `headers` at once. */
let kept: symbol | null | undefined;

export function hasHeadersObject(request: RawRequest): boolean {
  kept ??=
    Object.getOwnPropertySymbols(request).find(({ description }) => description === 'kHeaders') ?? null;
  if (kept === null) return true;
  const headers = (request as unknown as Record<symbol, unknown>)[kept];
  return headers !== null;
}
