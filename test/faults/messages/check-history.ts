import type { Crossing, Excuse, Handled, History, Produced, Tenure } from './history.js';

/** How long before a disturbance a message may have been handled and its acknowledgement not have arrived. */
export const LOOK_BACK_MS = 5_000;

export type FaultKind =
  | 'lost'
  | 'never-produced'
  | 'both-sides'
  | 'unexplained-repeat'
  | 'stray'
  | 'wrong-context'
  | 'slid-to-baseline';

export interface Fault {
  readonly kind: FaultKind;
  readonly id: string;
  readonly text: string;
}

export interface Verdict {
  readonly faults: readonly Fault[];
  /** Second and later handlings that a disturbance explains. */
  readonly repeats: number;
}

/**
 * What a history has that it may not have: a confirmed message that nobody handled; one handled by a color and the
 * baseline; one handled again with nothing to explain it; an uncolored one in a colored consumer, or one color's in
 * another's; one handled in a context of another color; one that was sent while its color took part and that the
 * baseline handled before the color began to leave.
 */
export function checkHistory(history: History): Verdict {
  const faults: Fault[] = [];
  let repeats = 0;
  const produced = new Map(history.produced.map((one) => [one.id, one]));
  const times = new Map<string, Handled[]>();
  for (const one of history.handled) {
    const all = times.get(one.id);
    if (all === undefined) times.set(one.id, [one]);
    else all.push(one);
    const message = produced.get(one.id);
    if (message === undefined) faults.push(fault('never-produced', one, 'nobody produced it'));
    else faults.push(...oneHandling(message, one, history.tenures));
  }
  for (const { id, color, confirmedAt } of history.produced) {
    const all = (times.get(id) ?? []).sort((a, b) => a.at - b.at);
    if (all.length === 0) {
      if (confirmedAt !== undefined)
        faults.push({ kind: 'lost', id, text: `${color ?? 'uncolored'}, confirmed, and nobody handled it` });
      continue;
    }
    for (const [index, again] of all.entries()) {
      const first = all[index - 1];
      if (first === undefined) continue;
      const found = repeat(first, again, history);
      if (found === undefined) repeats++;
      else faults.push(found);
    }
  }
  return { faults, repeats };
}

function* oneHandling({ color, sentAt, confirmedAt }: Produced, one: Handled, tenures: readonly Tenure[]) {
  const { side, active, at } = one;
  if (side !== undefined && side !== color) {
    yield fault('stray', one, `a message of ${color ?? 'no color'} in a consumer of ${side}`);
  }
  if (active !== color || one.color !== color) {
    yield fault('wrong-context', one, `sent as ${color}, read as ${one.color}, handled in ${active}`);
  }
  if (color === undefined || side !== undefined) return;
  const held = tenures.find(
    ({ color: of, from, to = Number.POSITIVE_INFINITY }) =>
      of === color && sentAt >= from && (confirmedAt ?? Number.POSITIVE_INFINITY) <= to && at < to,
  );
  if (held !== undefined) yield fault('slid-to-baseline', one, `${color} was active since ${held.from}`);
}

function repeat(first: Handled, again: Handled, { excuses, crossings }: History): Fault | undefined {
  const { side = '', color } = again;
  const before = `${first.by} (${first.pid}) had it ${again.at - first.at} ms before`;
  if (side !== (first.side ?? '')) {
    if (crossings.some((crossing) => crosses(crossing, first, again))) return undefined;
    return fault('both-sides', again, before);
  }
  if (explains(excuses, side, first, again)) return undefined;
  if (side === '' && color !== undefined && explains(excuses, `drain/${color}`, first, again))
    return undefined;
  return fault('unexplained-repeat', again, before);
}

/** The victim had it in hand when it was ended or paused, and somebody else got it after that; or the other way round. */
function crosses({ color, victim, from, to }: Crossing, first: Handled, again: Handled): boolean {
  if (color !== first.color || again.at < from) return false;
  const isVictim = ({ by, at }: Handled): boolean =>
    (victim === undefined || by === victim) && at >= from - LOOK_BACK_MS && at <= to;
  return isVictim(first) || (first.at >= from && isVictim(again));
}

/** The first handling was near the disturbance, and the second came after it had begun. */
function explains(excuses: readonly Excuse[], group: string, first: Handled, again: Handled): boolean {
  return excuses.some(
    (excuse) =>
      excuse.group === group &&
      first.at >= excuse.from - LOOK_BACK_MS &&
      first.at <= excuse.to &&
      again.at >= excuse.from,
  );
}

function fault(kind: FaultKind, { id, by, pid, at, from = '' }: Handled, why: string): Fault {
  return { kind, id, text: `handled by ${by} (${pid}) at ${at} from ${from}: ${why}` };
}
