import type { Handover, OnLeave } from './handover-state.js';
import { parseOffset } from './offset.js';

/*
 * The values behind the keys, as JSON. Reading never throws: others may write into the same store, and a
 * newer version of this library may write what this one cannot read. What cannot be read is told apart
 * from what is not there, because nobody may decide on it.
 */

export interface Unreadable {
  readonly kind: 'unreadable';
  readonly why: string;
}

/** Names in full, because a key may hold a hash in their place. */
export interface HandoverNames {
  readonly group: string;
  readonly topic: string;
}

export function encodeHandover(state: Handover, names: HandoverNames): string {
  const { kind, epoch, ...details } = state;
  return JSON.stringify({ state: kind, epoch, ...details, group: names.group, topic: names.topic });
}

export function parseHandover(value: string): Handover | Unreadable {
  const fields = parseObject(value);
  if (fields === undefined) return unreadable('not a JSON object');
  const { state: kind, epoch, onLeave, closer } = fields;
  if (!isEpoch(epoch)) return unreadable('no epoch');
  switch (kind) {
    case 'absent':
    case 'joining':
    case 'active':
      return epoch === 0 && kind !== 'absent' ? unreadable('epoch 0') : Object.freeze({ kind, epoch });
    case 'leaving':
      return isOnLeave(onLeave) ? Object.freeze({ kind, epoch, onLeave }) : unreadable('no onLeave');
    case 'draining':
      if (!isOnLeave(onLeave)) return unreadable('no onLeave');
      return Object.freeze({ kind, epoch, onLeave, ...(typeof closer === 'string' && { closer }) });
    default:
      return unreadable('an unknown state');
  }
}

/** @param by the process that made the fence; shown to people, read by nobody. */
export function encodeFence(offset: bigint, by: string): string {
  return JSON.stringify({ offset: offset.toString(), by });
}

export function parseFence(value: string): bigint | Unreadable {
  return parseOffset(parseObject(value)?.offset) ?? unreadable('no offset');
}

function parseObject(value: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isEpoch(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isOnLeave(value: unknown): value is OnLeave {
  return value === 'drain' || value === 'discard';
}

function unreadable(why: string): Unreadable {
  return Object.freeze({ kind: 'unreadable', why });
}
