import type { Color } from '@colorway/core';
import type { ColorFences } from '../../ownership/fences.js';
import { withLog } from '../../ownership/handover-state.js';
import { isOfAnotherLog, logOf, renew } from '../../ownership/renewal.js';
import { eachByItself } from './each-by-itself.js';
import type { TopicHandover } from './topic-handover.js';

/** The id of the topic as it is now. @param known the ids that the directory has: another one is not believed at once. */
export type LogId = (known: ReadonlySet<string>) => Promise<string | undefined>;

export interface RenewalOptions {
  /** The offset after the last message, by partition. Asked after the directory was read, and only where no id tells. */
  readonly ends: () => Promise<ReadonlyMap<number, bigint>>;
  /** Of the topic as it is now; asked after the directory was read too. */
  readonly logId: LogId;
  /** This color alone. Default: all. */
  readonly only?: Color | undefined;
  /** Before a color begins anew: what its group has committed is of the topic that is gone. Where that fails, the color waits. */
  readonly beginAgain?: (color: Color) => Promise<void>;
}

export interface Renewal {
  /** The colors that begin anew, or are gone. */
  readonly renewed: readonly Color[];
  /** The id of the topic, where it is known. */
  readonly log: string | undefined;
  /** Why colors were not renewed that should have been: they are of another log still, so the next look finds them. */
  readonly failures: readonly unknown[];
}

/** The ids of the topic that its colors are of. @param only the color that the question is about: its id alone, if it has one. */
export function knownLogs(
  { table: { colors } }: Pick<TopicHandover, 'table'>,
  only?: Color,
): ReadonlySet<string> {
  const own = only === undefined ? undefined : colors.get(only);
  const log = own && logOf(own.handover);
  if (log !== undefined) return new Set([log]);
  const logs = [...colors.values()].map(({ handover }) => logOf(handover));
  return new Set(logs.filter((one) => one !== undefined));
}

/**
 * A topic that was deleted and made anew has another log, in which the boundaries of its colors mean nothing.
 * The id of the topic tells; where it is not known, a boundary that lies after the end of the log does.
 *
 * What is known of the colors tells of which that may be so; those alone are read and decided about. A color that is known
 * to be of the log as it is now cannot go back to an earlier one, and boundaries that were made meanwhile are of this log. Who
 * has to know of all colors reads them first.
 */
export async function renewHandover(handover: TopicHandover, options: RenewalOptions): Promise<Renewal> {
  const { ends, logId, only, beginAgain } = options;
  const { suspects, log: known } = await suspectsIn(handover, options);
  if (suspects.length === 0) return { renewed: [], log: known, failures: [] };
  await handover.refreshEach(suspects);
  const { colors } = handover.table;
  const asked = logId(knownLogs(handover, only));
  const isAnyUnknown = suspects.some((color) => hasNoLog(colors.get(color)));
  const [end, log] = await Promise.all([isAnyUnknown ? ends() : NO_ENDS, asked]);
  const renewed: Color[] = [];
  const failures = await eachByItself(suspects, async (color) => {
    const fences = colors.get(color);
    if (fences === undefined || fences.handover.kind === 'unreadable') return;
    const state = fences.handover;
    if (isOfAnotherLog(fences, log, (partition) => end.get(partition))) {
      await beginAgain?.(color);
      const changed = await handover.transition(color, (standing, now) =>
        renew(standing, state.epoch, now, log),
      );
      if (changed.kind === 'next') renewed.push(color);
    } else if (log !== undefined && state.log === undefined) {
      await handover.transition(color, (standing) => withLog(standing, state.epoch, log));
    }
  });
  return { renewed, log, failures };
}

const NO_ENDS: ReadonlyMap<number, bigint> = new Map();

/** The colors that are of another log, or of nobody knows which, as far as is known; and the log. */
async function suspectsIn(
  handover: TopicHandover,
  { ends, logId, only }: RenewalOptions,
): Promise<{ suspects: readonly Color[]; log: string | undefined }> {
  const { colors } = handover.table;
  const isAsked = (color: Color): boolean => only === undefined || color === only;
  const candidates = [...colors].filter(
    ([color, { handover }]) => isAsked(color) && handover.kind !== 'unreadable',
  );
  const log = await logId(knownLogs(handover, only));
  // After what is known was taken: a boundary that is made meanwhile may lie behind the end that is told.
  const isAnyUnknown = log === undefined && candidates.some(([, fences]) => hasNoLog(fences));
  const end = isAnyUnknown ? await ends() : NO_ENDS;
  const suspects = new Set(handover.doubtful.filter(isAsked));
  for (const [color, fences] of candidates) {
    const isUnknown = log !== undefined && hasNoLog(fences);
    if (isUnknown || isOfAnotherLog(fences, log, (partition) => end.get(partition))) suspects.add(color);
  }
  return { suspects: [...suspects], log };
}

/** Where nothing can be read, nothing is decided. */
function hasNoLog(fences: ColorFences | undefined): boolean {
  return fences !== undefined && fences.handover.kind !== 'unreadable' && fences.handover.log === undefined;
}
