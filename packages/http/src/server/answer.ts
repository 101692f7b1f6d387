import { type ColorwayError, MISDIRECTED_HEADER } from '@colorway/core';
import type { RawRequest, RawResponse } from './raw.js';

/** What is answered for a request that does not reach the application: the error's status, JSON `{ code, message }`. */
export function answerError(response: RawResponse, error: ColorwayError): undefined {
  const { statusCode, headers, body } = answerOf(error);
  response.writeHead(statusCode, headers);
  response.end(body);
}

/** Answers without a framework, whatever the request is. Its body is left unread: Node passes over it, and the connection serves the next one. */
export function answerByItself(request: RawRequest, response: RawResponse, error: ColorwayError): undefined {
  if (request.upgrade === true) answerUpgrade(request.socket as Ends, error);
  else answerError(response, error);
}

interface Ends {
  end(text: string): unknown;
}

/** The same for an upgrade, which has no response yet: the bytes, and the connection's end. */
export function answerUpgrade(socket: Ends, error: ColorwayError): void {
  const { statusCode, headers, body } = answerOf(error);
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.end([`HTTP/1.1 ${statusCode} ${REASON[statusCode] ?? 'Refused'}`, ...lines, '', body].join('\r\n'));
}

const REASON: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  421: 'Misdirected Request',
  503: 'Service Unavailable',
};

/** Nothing was done, and another instance is to be asked. */
const PASSED_OVER: ReadonlySet<string> = new Set(['COLORWAY_MISDIRECTED', 'COLORWAY_CLOSED']);

function answerOf({ statusCode, code, message }: ColorwayError) {
  const body = JSON.stringify({ code, message });
  return {
    statusCode,
    body,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
      ...(PASSED_OVER.has(code) ? { [MISDIRECTED_HEADER]: '1' } : {}),
    },
  };
}
