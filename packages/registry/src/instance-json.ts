import type { InstanceRecord } from '@colorway/core';

/**
 * An instance out of JSON that anybody may have written: `service`, `host` and `port` must be there. Without
 * `metadata` it has none, without `startedAt` it has been serving for long.
 *
 * @returns `undefined` for what is no instance.
 */
export function parseInstanceJson(text: string, id: string): InstanceRecord | undefined {
  try {
    return instanceOf(JSON.parse(text), id);
  } catch {
    return undefined;
  }
}

function instanceOf(value: unknown, id: string): InstanceRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const {
    service,
    host,
    port,
    secure,
    weight,
    metadata = {},
    startedAt = 0,
  } = value as Record<string, unknown>;
  if (!isText(service) || !isText(host) || !Number.isInteger(port) || typeof startedAt !== 'number') {
    return undefined;
  }
  if (secure !== undefined && typeof secure !== 'boolean') return undefined;
  if (weight !== undefined && typeof weight !== 'number') return undefined;
  if (!isTexts(metadata)) return undefined;
  return Object.freeze({
    id,
    service,
    host,
    port: port as number,
    ...(secure === undefined ? {} : { secure }),
    ...(weight === undefined ? {} : { weight }),
    metadata: Object.freeze({ ...metadata }),
    startedAt,
  });
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === 'string');
}
