import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a handler answers. */
export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What is used of Koa's `ctx`. */
interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  status: number;
  body: unknown;
  set(name: string, value: string): void;
}

/** What is used of Fastify's `reply`. */
interface FastifyReply {
  readonly raw: ServerResponse;
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  send(text: string): unknown;
}

type First = IncomingMessage | KoaContext | { readonly raw: IncomingMessage };
type Second = ServerResponse | FastifyReply | (() => Promise<unknown>);

/**
 * A handler that answers JSON, for every host as it stands: `app.get(path, handler)` in Express and Fastify,
 * `router.get(path, handler)` in Koa, `createServer(handler)` with `node:http`.
 */
export type JsonHandler = (first: First, second: Second) => Promise<void>;

/** @param answer must not reject: an error belongs into its answer. */
export function jsonHandler(answer: () => Promise<JsonAnswer>): JsonHandler {
  return async function colorway(first, second) {
    const { status, body } = await answer();
    const text = JSON.stringify(body);
    if (isKoa(first)) {
      first.status = status;
      for (const [name, value] of HEADERS) first.set(name, value);
      first.body = text;
    } else if (isFastify(second)) {
      second.code(status);
      for (const [name, value] of HEADERS) second.header(name, value);
      second.send(text);
    } else {
      const response = second as ServerResponse;
      response.statusCode = status;
      for (const [name, value] of HEADERS) response.setHeader(name, value);
      response.end(text);
    }
  };
}

const HEADERS = [
  ['content-type', 'application/json; charset=utf-8'],
  ['cache-control', 'no-store'],
] as const;

function isKoa(first: First): first is KoaContext {
  return 'req' in first && 'set' in first;
}

function isFastify(second: Second): second is FastifyReply {
  return 'raw' in second && 'code' in second;
}
