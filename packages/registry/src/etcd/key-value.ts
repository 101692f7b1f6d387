/** One key as etcd holds it, with its text decoded. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Of the last write to this key; a decimal number beyond what JavaScript holds exactly. */
  readonly revision: string;
}

/** @throws Error for what is no key-value pair of etcd's. Values of nothing are left out by the gateway. */
export function parseKeyValue(json: unknown): KeyValue {
  const { key, value = '', mod_revision: revision } = fieldsOf(json);
  if (typeof key !== 'string' || typeof value !== 'string' || typeof revision !== 'string') {
    throw new Error('its answer holds no key-value pairs');
  }
  return { key: decodeKey(key), value: decode(value), revision };
}

/** The revision of the whole store, as every answer has it. @throws Error */
export function revisionOf(json: unknown): bigint {
  const { revision } = fieldsOf(fieldsOf(json).header);
  if (typeof revision !== 'string') throw new Error('its answer has no revision');
  return BigInt(revision);
}

export function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null) return json as Record<string, unknown>;
  throw new Error('its answer is not what etcd answers');
}

/** A list that the gateway leaves out when it is empty. */
export function listOf(json: unknown): readonly unknown[] {
  if (json === undefined) return [];
  if (Array.isArray(json)) return json;
  throw new Error('its answer is not what etcd answers');
}

export function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

export function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

/**
 * A key of etcd is bytes. Two that are no UTF-8 would be one text, and whoever counts them would miss one for ever: such a
 * key has its bytes behind it.
 */
export function decodeKey(base64: string): string {
  const text = decode(base64);
  return text.includes('\ufffd') ? `${text} ${base64}` : text;
}

/** All keys that begin with a prefix: from it to the next text that does not. */
export function below(prefix: string): { readonly key: string; readonly range_end: string } {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end[end.length - 1] ?? 0) + 1; // prefixes are ASCII: no carry
  return { key: encode(prefix), range_end: end.toString('base64') };
}
