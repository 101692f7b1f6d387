import { parseMembershipKey } from '@colorway/core';

/** What a key of the state is about. */
export function changedThing(key: string): 'environment' | 'membership' | 'subscription' {
  if (key.startsWith('env/')) return 'environment';
  return key.startsWith('sub/') ? 'subscription' : 'membership';
}

/** What a key's value says; its text where it is no JSON, or nested so deep that it cannot be written again. */
export function readValue(value: string): unknown {
  try {
    const read: unknown = JSON.parse(value);
    JSON.stringify(read);
    return read;
  } catch {
    return value;
  }
}

/**
 * One change of the state as a sentence. Anybody may write into the store: a value that is none of ours is said to be so, and
 * ends nobody's watching.
 */
export function describeChange(kind: 'put' | 'removed', key: string, value: unknown): string {
  const member = parseMembershipKey(key);
  if (member !== undefined) {
    return kind === 'put'
      ? `environment ${member.color} contains ${member.service}`
      : `environment ${member.color} no longer contains ${member.service}`;
  }
  const read = fieldsOf(value);
  return key.startsWith('env/') ? environmentChange(kind, key, read) : subscriptionChange(kind, key, read);
}

function environmentChange(kind: 'put' | 'removed', key: string, read: Fields): string {
  if (kind === 'removed') return `environment ${key.slice(4)} has ended`;
  const { color, owner, expiresAt, ending } = read;
  const end = typeof expiresAt === 'number' ? new Date(expiresAt) : undefined;
  if (
    typeof color !== 'string' ||
    typeof owner !== 'string' ||
    end === undefined ||
    Number.isNaN(end.valueOf())
  )
    return `${key} cannot be read as an environment`;
  if (ending === true) return `environment ${color} is being ended`;
  return `environment ${color} of ${owner} expires ${end.toISOString()}`;
}

function subscriptionChange(kind: 'put' | 'removed', key: string, read: Fields): string {
  const [, service, color] = key.split('/');
  const { group, topic, state, remaining } = read;
  if (typeof group !== 'string' || service === undefined || color === undefined)
    return kind === 'removed' ? `${key} is gone` : `${key} cannot be read`;
  const what = typeof topic === 'string' ? `${group} of ${topic}` : group;
  if (kind === 'removed') return `${service} ${color} no longer consumes ${what}`;
  const rest = typeof remaining === 'number' ? `, ${remaining} messages remain` : '';
  return `${service} ${color} ${what}: ${typeof state === 'string' ? state : 'in an unknown state'}${rest}`;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
