/** An error and what it wraps, as the client and the language name it; the error itself is the first. */
export function causesOf(error: unknown): readonly unknown[] {
  const found: unknown[] = [];
  for (let one = error; one !== undefined && one !== null && !found.includes(one); ) {
    found.push(one);
    const { cause, originalError } = one as { readonly cause?: unknown; readonly originalError?: unknown };
    one = cause ?? originalError;
  }
  return found;
}

/** Where a handler threw the error that a client gave up with; `undefined` where it was not thrown by one. */
export function placeOf(
  error: unknown,
  thrown: { readonly error: unknown; readonly place: string } | undefined,
): string | undefined {
  return thrown !== undefined && causesOf(error).includes(thrown.error) ? thrown.place : undefined;
}
