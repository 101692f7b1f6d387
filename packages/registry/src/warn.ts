/** A process warning: seen once on stderr, by `process.on('warning')`, and with its stack under `--trace-warnings`. */
export function warn(code: string, message: string): void {
  process.emitWarning(message, { type: 'ColorwayWarning', code });
}

/** What a thrown value says of itself. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
