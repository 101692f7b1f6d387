import { type Color, ColorwayError, count, quote, warnOnce } from '@colorway/core';
import type { Unreadable } from '../../ownership/handover-codec.js';

const UNREADABLE_REMEDY =
  "If a newer version of this library wrote it, upgrade this one; else delete the key. Until then each partition stops at its first message of that color, in the baseline too: nobody can tell whose it is. Only where nothing of the color is there (environment, membership, consumer, boundary), and no version of this library wrote the key, its messages are the baseline's.";

export function warnUnreadable(why: string): void {
  warnOnce('COLORWAY_HANDOVER_UNREADABLE', `The directory key ${why}. ${UNREADABLE_REMEDY}`, why);
}

export function unreadableEntry(key: string, { why }: Unreadable): ColorwayError {
  return new ColorwayError(
    'COLORWAY_DIRECTORY_FAILED',
    `The directory key ${JSON.stringify(key)} cannot be read: ${why}. ${UNREADABLE_REMEDY}`,
  );
}

export function lostMessage(group: string, topic: string): string {
  return `The directory has lost the hand-over of group ${quote(group)}, topic ${quote(topic)}: it was emptied, wholly or in part, while consumers ran. They have put back what they know. Before the directory is emptied, stop the consumers, or delete nothing below mq/ and mq-names/; environments that are to go on have to be made again.`;
}

export function countStep(
  { group, topic }: { readonly group: string; readonly topic: string },
  color: Color,
  step: string,
): void {
  count('coloring.mq.handover', {
    'coloring.group': group,
    'coloring.topic': topic,
    'coloring.color': color,
    'coloring.step': step,
  });
}
