/** A number out of JSON, or of a text that says one. NaN for anything else: Number() of an object calls its valueOf, which may throw. */
export function numberOf(json: unknown): number {
  return typeof json === 'number' || typeof json === 'string' ? Number(json) : Number.NaN;
}
