import type { ClientRequest } from 'node:http';
import { ColorwayError } from '@colorway/core';

/** Headers to set, or, with `undefined`, to remove; names in lower case. */
export type HeaderChanges = readonly (readonly [name: string, value: string | undefined])[];

/**
 * What node:http keeps of a head that it has rendered. It renders before an agent is asked where the headers are a
 * list or say `Expect`, and while an agent waits as soon as the caller writes. `_headerSent` says that the head was
 * handed on: to the socket, or, where there is none yet, to `outputData`, in one piece with the first of the body.
 */
interface Rendering {
  _header: string | null;
  readonly _headerSent?: boolean;
  readonly outputData?: { data: string | Uint8Array }[];
  outputSize?: number;
}

/** The value of a header as it will be sent, several lines joined by a comma. */
export function readHeader(request: ClientRequest, name: string): string | undefined {
  const { _header: head } = request as unknown as Rendering;
  if (typeof head !== 'string') {
    const value = request.getHeader(name);
    return Array.isArray(value) ? value.join(', ') : value?.toString();
  }
  let found: string | undefined;
  for (const line of linesOf(head)) {
    if (!isNamed(line, name)) continue;
    const value = line.slice(name.length + 1).trim();
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}

/**
 * Changes headers of a request that has no socket yet. A head that is rendered is changed as text, where it stands:
 * rendering it again would send it twice, and choose anew how the body is framed.
 *
 * @throws ColorwayError `COLORWAY_HEADERS_FIXED` when something would change, and the head has left already
 */
export function changeHeaders(request: ClientRequest, changes: HeaderChanges): void {
  changeHead(request, changes, request.path);
}

/** Changes headers and path, in the same way. */
function changeHead(request: ClientRequest, changes: HeaderChanges, path: string): void {
  const before = request.path;
  request.path = path;
  const rendering = request as unknown as Rendering;
  const head = rendering._header;
  if (typeof head !== 'string') {
    for (const [name, value] of changes) setOrRemove(request, name, value);
    return;
  }
  const start = `${request.method} ${before} `;
  const moved = head.startsWith(start) ? `${request.method} ${path} ${head.slice(start.length)}` : head;
  const changed = withChanges(moved, changes);
  if (changed === head) return;
  if (rendering._headerSent) replaceWaiting(request, head, changed);
  /* What the request says of its headers stays true; node:http refuses to set them while there is a head. */
  if (request.getHeaderNames().length > 0) {
    rendering._header = null;
    for (const [name, value] of changes) setOrRemove(request, name, value);
  }
  rendering._header = changed;
}

/** The headers of a request whose head is rendered, as it was sent. */
export function headerLines(request: ClientRequest): (readonly [name: string, value: string])[] {
  return linesOf((request as unknown as Rendering)._header ?? '').map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}

/** The URL of a request that is made out to a proxy: `GET http://stock/items/7`. */
export function urlForProxy({ path }: ClientRequest): URL | undefined {
  return /^https?:\/\//i.test(path) && URL.canParse(path) ? new URL(path) : undefined;
}

/** Makes a request that was for a proxy one for the host itself. */
export function withoutProxy(request: ClientRequest, { pathname, search, host }: URL): void {
  changeHead(
    request,
    [
      ['host', host],
      ['proxy-authorization', undefined],
    ],
    pathname + search,
  );
}

function setOrRemove(request: ClientRequest, name: string, value: string | undefined): void {
  if (value !== undefined) request.setHeader(name, value);
  else if (request.hasHeader(name)) request.removeHeader(name);
}

/** Exchanges the head that waits for a socket. */
function replaceWaiting(request: ClientRequest, head: string, changed: string): void {
  const rendering = request as unknown as Rendering;
  const [first] = rendering.outputData ?? [];
  if (typeof first?.data !== 'string' || !first.data.startsWith(head)) throw headersFixed(request);
  first.data = changed + first.data.slice(head.length);
  if (rendering.outputSize !== undefined) rendering.outputSize += changed.length - head.length;
}

function withChanges(head: string, changes: HeaderChanges): string {
  const [first = '', ...lines] = head.slice(0, -END.length).split('\r\n');
  const kept = lines.filter((line) => !changes.some(([name]) => isNamed(line, name)));
  const set = changes.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return [first, ...kept, ...set].join('\r\n') + END;
}

const END = '\r\n\r\n';

function linesOf(head: string): string[] {
  return head.slice(0, -END.length).split('\r\n').slice(1);
}

function isNamed(line: string, name: string): boolean {
  return line[name.length] === ':' && line.slice(0, name.length).toLowerCase() === name;
}

export function headersFixed(request: ClientRequest): ColorwayError {
  return new ColorwayError(
    'COLORWAY_HEADERS_FIXED',
    `The head of ${request.method} ${request.path} was sent before the color, or the caller's proof, could be set. Nothing is sent twice: give the request to one agent alone.`,
  );
}
