/** Failures of making a connection: nothing of the request has left this process. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export function isNeverSent(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isNeverSent);
  return NEVER_SENT.has(codeOf(error) ?? '');
}

/** What a failed call says of itself; Node's errors of several addresses have no message of their own. */
export function problemOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(problemOf).join('; ');
  }
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? (codeOf(error) ?? error.name) : error.message;
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
