/** What mends a failure at the broker, as far as its error says; a clause without a full stop. */
export function failureHint(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { type, code, message } = error as { type?: unknown; code?: unknown; message?: unknown };
  const isRefused =
    (typeof type === 'string' && type.endsWith('_AUTHORIZATION_FAILED')) ||
    code === 403 ||
    (typeof message === 'string' && /\b(ACCESS[_-]REFUSED|not authorized)\b/i.test(message));
  if (isRefused) return "Give the broker's user the right that it lacks";
  const isAway =
    typeof message === 'string' && /\b(ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND)\b/.test(message);
  return isAway ? 'Check that the broker can be reached' : undefined;
}
