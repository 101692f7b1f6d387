import { ColorwayError, isColorwayError } from '@colorway/core';
import { type JsonAnswer, type JsonHandler, jsonHandler } from './json-handler.js';

/** What `createColoring()` of `@colorway/registry` returns has it. */
export interface TellsEnvironments {
  overview(): Promise<readonly object[]>;
}

/** Many who ask at once cost the directory one look. */
const FRESH_MS = 1_000;

/**
 * The environments that a request may choose, as a JSON list, for an entry that offers them:
 *
 *     app.get('/environments', environmentsHandler(coloring));
 *
 * 200 with what `coloring.overview()` tells, at most a second old: color, owner, times in milliseconds since the epoch,
 * services, and how many instances of each are alive. Where the directory cannot be read, 503 `{ code, message }`.
 * The handler goes into Express, Fastify, Koa and `node:http` as it is. It shows names of people and services: put it
 * behind what guards the entry.
 */
export function environmentsHandler(coloring: TellsEnvironments): JsonHandler {
  let last: { readonly answer: Promise<JsonAnswer>; readonly at: number } | undefined;
  return jsonHandler(() => {
    const now = performance.now();
    if (last === undefined || now - last.at >= FRESH_MS) last = { answer: look(coloring), at: now };
    return last.answer;
  });
}

async function look(coloring: TellsEnvironments): Promise<JsonAnswer> {
  try {
    return { status: 200, body: await coloring.overview() };
  } catch (error) {
    const { statusCode, code, message } = isColorwayError(error) ? error : failed(error);
    return { status: statusCode, body: { code, message } };
  }
}

function failed(cause: unknown): ColorwayError {
  return new ColorwayError('COLORWAY_DIRECTORY_FAILED', 'The environments could not be read.', { cause });
}
