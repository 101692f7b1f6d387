import type { Handover, OnLeave } from './handover-state.js';
import type { KeptProgress, Progressed } from './kept-progress.js';
import { parseOffset } from './offset.js';
import type { Folded, Past, PastInterval } from './past.js';

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
  const { kind, epoch, past, progress, ...details } = state;
  return JSON.stringify({
    ...{ state: kind, epoch, ...details },
    ...(past !== undefined && past.size > 0 && { past: encodePast(past) }),
    ...(progress !== undefined && progress.size > 0 && { progress: encodeProgress(progress) }),
    ...{ group: names.group, topic: names.topic },
  });
}

export function parseHandover(value: string): Handover | Unreadable {
  const fields = parseObject(value);
  if (fields === undefined) return unreadable('not a JSON object');
  const { state: kind, epoch, onLeave, closer } = fields;
  if (!isEpoch(epoch)) return unreadable('no epoch');
  const folded = parseFolded(fields);
  if (folded === undefined) return unreadable('a past that cannot be read');
  const progressed = parseProgressed(fields);
  if (progressed === undefined) return unreadable('a progress that cannot be read');
  switch (kind) {
    case 'absent':
    case 'joining':
    case 'active':
      return epoch === 0 && kind !== 'absent'
        ? unreadable('epoch 0')
        : Object.freeze({ kind, epoch, ...folded, ...progressed });
    case 'leaving':
      return isOnLeave(onLeave)
        ? Object.freeze({ kind, epoch, onLeave, ...folded, ...progressed })
        : unreadable('no onLeave');
    case 'draining':
      if (!isOnLeave(onLeave)) return unreadable('no onLeave');
      return Object.freeze({
        ...{ kind, epoch, onLeave, ...folded, ...progressed },
        ...(typeof closer === 'string' && { closer }),
      });
    default:
      return unreadable('an unknown state');
  }
}

/** Whether a version of this library may have written it, one that is newer too: each names the group. */
export function isOfSomeVersion(value: string): boolean {
  return typeof parseObject(value)?.group === 'string';
}

/** `{"3": ["10", "20", "35", "40"]}`: in partition 3 the color had 10 to 20 and 35 to 40, the second exclusive. */
function encodePast(past: Past): Record<string, string[]> {
  return Object.fromEntries(
    Array.from(past, ([partition, intervals]) => [
      partition,
      intervals.flatMap(({ join, leave }) => [join.toString(), leave.toString()]),
    ]),
  );
}

function parseFolded({ since, past, log }: Record<string, unknown>): Folded | undefined {
  if (since !== undefined && !isEpoch(since)) return undefined;
  const parsed = past === undefined ? NO_PAST : parsePast(past);
  if (parsed === undefined) return undefined;
  return {
    ...(since !== undefined && { since }),
    ...(parsed.size > 0 && { past: parsed }),
    ...(typeof log === 'string' && { log }),
  };
}

const NO_PAST: Past = new Map();

function parsePast(value: unknown): Past | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const past = new Map<number, readonly PastInterval[]>();
  for (const [partition, bounds] of Object.entries(value)) {
    if (!PARTITION.test(partition) || !Array.isArray(bounds)) return undefined;
    const offsets = bounds.map(parseOffset);
    const intervals: PastInterval[] = [];
    for (let at = 0; at < offsets.length; at += 2) {
      const [join, leave] = [offsets[at], offsets[at + 1]];
      if (join === undefined || leave === undefined || join >= leave) return undefined;
      if (join < (intervals.at(-1)?.leave ?? 0n)) return undefined;
      intervals.push(Object.freeze({ join, leave }));
    }
    if (intervals.length > 0) past.set(Number(partition), intervals);
  }
  return past;
}

const PARTITION = /^(?:0|[1-9][0-9]{0,9})$/;

/** `{"3": "35"}`: in partition 3 the color's group had committed 35. */
function encodeProgress(progress: KeptProgress): Record<string, string> {
  return Object.fromEntries(Array.from(progress, ([partition, offset]) => [partition, offset.toString()]));
}

function parseProgressed({ progress }: Record<string, unknown>): Progressed | undefined {
  if (progress === undefined) return {};
  if (typeof progress !== 'object' || progress === null || Array.isArray(progress)) return undefined;
  const parsed = new Map<number, bigint>();
  for (const [partition, text] of Object.entries(progress)) {
    const offset = parseOffset(text);
    if (!PARTITION.test(partition) || offset === undefined) return undefined;
    parsed.set(Number(partition), offset);
  }
  return parsed.size > 0 ? { progress: parsed } : {};
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
