import { createHash } from 'node:crypto';
import { type Color, ColorwayError, isColor, quote } from '@colorway/core';

/*
 * Where hand-over stands in the directory:
 *
 *   mq/<group>/<topic>/<color>                            the state
 *   mq/<group>/<topic>/<color>/<epoch>/join/<partition>   fences, each written once:
 *   mq/<group>/<topic>/<color>/<epoch>/stop/<partition>   where the colored group stopped when it left
 *   mq/<group>/<topic>/<color>/<epoch>/leave/<partition>
 *
 * <group> is the baseline's; `<group>@<cluster>` where another cluster has a group of that name, which had it first. Keys are printable ASCII, at most 512 characters, whatever the names are.
 */

export type FenceKind = 'join' | 'stop' | 'leave';

/** What a key below {@link handoverPrefix} is about. */
export type HandoverKey =
  | { readonly kind: 'state'; readonly color: Color }
  | {
      readonly kind: 'fence';
      readonly color: Color;
      readonly epoch: number;
      readonly fence: FenceKind;
      readonly partition: number;
    };

/**
 * @param cluster tells a group apart from the one of the same name in the cluster that had the name first.
 * @throws ColorwayError `COLORWAY_GROUP_NAME` for an empty name or one that is not Unicode text.
 */
export function handoverPrefix(group: string, topic: string, cluster?: string): string {
  const where = cluster === undefined ? '' : `@${keyPart('cluster', cluster).slice(0, MAX_CLUSTER)}`;
  return `mq/${keyPart('group', group)}${where}/${keyPart('topic', topic)}/`;
}

export function stateKey(prefix: string, color: Color): string {
  return prefix + color;
}

export function fenceKey(
  prefix: string,
  color: Color,
  epoch: number,
  fence: FenceKind,
  partition: number,
): string {
  return `${prefix}${color}/${epoch}/${fence}/${partition}`;
}

const REST = /^([^/]+)(?:\/([1-9][0-9]{0,14})\/(join|stop|leave)\/(0|[1-9][0-9]{0,9}))?$/;

/** `undefined` for a key that is not one of ours: somebody else may write into the same store. */
export function parseHandoverKey(prefix: string, key: string): HandoverKey | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const [, color, epoch, fence, partition] = REST.exec(key.slice(prefix.length)) ?? [];
  if (!isColor(color)) return undefined;
  if (fence === undefined) return { kind: 'state', color };
  return {
    kind: 'fence',
    color,
    epoch: Number(epoch),
    fence: fence as FenceKind,
    partition: Number(partition),
  };
}

/** 200 for each of two names leaves room for the longest color, epoch and partition within 512. */
const MAX_PART = 200;
const KEPT = 128;
/** Kafka's ids of clusters have 22 characters. */
const MAX_CLUSTER = 24;
const PLAIN = /^[A-Za-z0-9._-]$/;

/**
 * A name as one part of a key: percent-encoded UTF-8. One that would grow too long is told apart by its
 * SHA-256, which only the key knows: names at the broker are never hashed.
 */
function keyPart(what: string, name: string): string {
  if (name === '')
    throw new ColorwayError('COLORWAY_GROUP_NAME', `The ${what} has an empty name. Give it one.`);
  let encoded: string;
  try {
    encoded = encodeURIComponent(name);
  } catch (cause) {
    throw new ColorwayError('COLORWAY_GROUP_NAME', `The ${what} ${quote(name)} is not valid Unicode text.`, {
      cause,
    });
  }
  // encodeURIComponent leaves !~*'() alone, and '.' and '..' mean something else to a folder.
  encoded =
    name === '.' || name === '..' ? name.replaceAll('.', '%2E') : encoded.replace(/[^%]/g, escapeOther);
  if (encoded.length <= MAX_PART) return encoded;
  return `${encoded.slice(0, KEPT)}~${createHash('sha256').update(name).digest('hex')}`;
}

function escapeOther(character: string): string {
  return PLAIN.test(character) ? character : `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
