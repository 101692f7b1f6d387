/** @throws Error for what is no list, which is not what Consul answers. */
export function listOf(text: string): readonly unknown[] {
  const json: unknown = JSON.parse(text);
  if (Array.isArray(json)) return json;
  throw new Error('its answer is not the list that Consul answers');
}

/** @throws Error for what is no object. */
export function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json))
    return json as Record<string, unknown>;
  throw new Error('its answer is not the object that Consul answers');
}

/** A JSON object, or nothing: Consul writes `null` for an empty one. */
export function optionalFields(json: unknown): Readonly<Record<string, unknown>> {
  return json === null || json === undefined ? {} : fieldsOf(json);
}

export function optionalList(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : [];
}

export function textOf(json: unknown): string {
  return typeof json === 'string' ? json : '';
}

/** The pairs of an object whose values are texts. */
export function textsOf(json: unknown): Record<string, string> {
  const pairs = typeof json === 'object' && json !== null ? Object.entries(json) : [];
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}
