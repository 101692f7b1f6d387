import { type Color, ColorwayError, type Instance, isColorwayError } from '@colorway/core';

/** No connection came about, or it broke off: of Node's sockets and resolver, and of undici. */
const CONNECTION_FAILURES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
]);

const NEVER_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

const DEADLINES = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

export function isConnectionFailure(error: unknown): boolean {
  return CONNECTION_FAILURES.has(codeOf(error));
}

/** Whether an error says that there never was a connection, so that nothing was sent. */
export function failedToConnect(error: unknown): boolean {
  return (error as { syscall?: unknown } | null)?.syscall === 'connect' || NEVER_CONNECTED.has(codeOf(error));
}

/** Whether an error speaks against the instance: its connection failed. */
export function countsAsFailure(error: unknown): boolean {
  if (isColorwayError(error)) return error.code === 'COLORWAY_INSTANCE_UNREACHABLE';
  return isConnectionFailure(error);
}

/** Whether a deadline that the caller set has passed: it may say more of the caller than of the instance. */
export function isDeadline(error: unknown): boolean {
  return (error as Error | null)?.name === 'TimeoutError' || DEADLINES.has(codeOf(error));
}

/** Whether an answer speaks against the instance: what Envoy calls a gateway failure. */
export function isGatewayFailure(status: number): boolean {
  return status >= 502 && status <= 504;
}

/** Whether a request may be sent twice (RFC 9110, 9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** Whether a body can be sent once more from its beginning. */
export function isReplayable(body: unknown): boolean {
  return (
    body === null ||
    body === undefined ||
    typeof body === 'string' ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  );
}

/** The error of a colored call whose instance could not be reached, or broke off. */
export function unreachable(instance: Instance, color: Color, cause: unknown): ColorwayError {
  const { service, host, port } = instance;
  const which = instance.color === undefined ? 'the baseline' : `color "${instance.color}"`;
  return new ColorwayError(
    'COLORWAY_INSTANCE_UNREACHABLE',
    `A call of color "${color}" to service "${service}" chose the instance of ${which} at ${host}:${port}, which could not be reached or broke off (${messageOf(cause)}). ` +
      'The call is not sent to another color. Check that the instance runs and that its address can be reached from here.',
    { cause },
  );
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null | undefined)?.code);
}

function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' && message !== '' ? message : codeOf(error);
}
