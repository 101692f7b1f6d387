import type { Progressed } from './kept-progress.js';
import { type Folded, foldedPart, sinceOf } from './past.js';

/**
 * How far the hand-over of a color's messages is, for one (group, topic, color). It belongs to the
 * declared membership and not to a process: a crashed colored consumer leaves it `active`.
 *
 * `absent(e)` means that epoch e is over; `absent(0)` that there was none. The directory's entry is deleted
 * when nobody needs it any more. The number of an epoch is not used again all the same: see {@link join}.
 */
export type Handover = HandoverKind & Folded & Progressed;

type HandoverKind =
  | { readonly kind: 'absent'; readonly epoch: number }
  | { readonly kind: 'joining'; readonly epoch: number }
  | { readonly kind: 'active'; readonly epoch: number }
  /** Nobody handles a message of the color before the stop and leave fences stand. */
  | { readonly kind: 'leaving'; readonly epoch: number; readonly onLeave: OnLeave }
  /** All leave fences stand; what lies below them is handled by members of the colored group. */
  | {
      readonly kind: 'draining';
      readonly epoch: number;
      readonly onLeave: OnLeave;
      /** The one process that may delete the broker's group. */
      readonly closer?: string;
    };

/** What happens to messages that the color owned and did not handle before it left. */
export type OnLeave = 'drain' | 'discard';

/** A state without its details: what a process had seen when it did something. */
export interface HandoverMark {
  readonly kind: Handover['kind'];
  readonly epoch: number;
}

export const NEVER_JOINED: Handover = Object.freeze({ kind: 'absent', epoch: 0 });

const ORDER = { joining: 1, active: 2, leaving: 3, draining: 4, absent: 5 } as const satisfies Record<
  Handover['kind'],
  number
>;

/** Below 0 when `a` comes before `b`. States only ever move on, so the later of two is the newer. */
export function compareHandovers(a: HandoverMark, b: HandoverMark): number {
  return a.epoch === b.epoch ? ORDER[a.kind] - ORDER[b.kind] : a.epoch - b.epoch;
}

/** The next state, to be written by compare-and-set over the one that was given; or why there is none. */
export type Transition =
  | { readonly kind: 'next'; readonly state: Handover }
  | { readonly kind: 'refused'; readonly reason: TransitionRefusal; readonly state: Handover };

export type TransitionRefusal =
  | 'joined-already'
  | 'still-leaving'
  | 'not-joined'
  | 'other-epoch'
  | 'wrong-state'
  | 'other-closer'
  | 'not-moved'
  | 'not-leaving';

/**
 * A colored consumer appears. While the epoch before is leaving or draining, it helps to drain instead.
 *
 * @param now milliseconds since 1970. After the entry of an earlier epoch was deleted nobody knows its number;
 *   but it was the time when that epoch began, or little more, so the time now is more than that.
 * @param log that it joins in. What the color had in another one counts no more.
 */
export function join(before: Handover, now = 0, log = before.log): Transition {
  const isOther = before.kind === 'absent' && before.log !== undefined && before.log !== log;
  const state: Handover = isOther
    ? { kind: 'absent', epoch: before.epoch, since: firstOpenEpoch(before) }
    : before;
  if (state.kind === 'absent') {
    // The epochs before are numbered one by one while their fences stand: each is looked for.
    if (!isFolded(state)) {
      return next({
        ...foldedPart({ ...state, ...(log !== undefined && { log }) }),
        kind: 'joining',
        epoch: state.epoch + 1,
      });
    }
    const epoch = Math.max(state.epoch + 1, now);
    const folded = foldedPart({ ...state, since: epoch, ...(log !== undefined && { log }) });
    return next({ ...folded, kind: 'joining', epoch });
  }
  return refused(
    state.kind === 'leaving' || state.kind === 'draining' ? 'still-leaving' : 'joined-already',
    state,
  );
}

/** The log that the offsets of a state are of is known now, where a version that could not tell wrote it. */
export function withLog(state: Handover, epoch: number, log: string): Transition {
  if (state.epoch !== epoch) return refused('other-epoch', state);
  return state.log === undefined ? next({ ...state, log }) : refused('wrong-state', state);
}

/** Every partition has its join fence. */
export function activate(state: Handover, epoch: number): Transition {
  return step(state, epoch, ['joining'], () => ({ kind: 'active', epoch }));
}

/**
 * The color is to leave: whoever removes the membership writes this *before* anybody fixes where the
 * colored group stopped. Also legal while it is still joining.
 *
 * A drain that has begun may become a discard, and never the other way round: what was given up is given up.
 */
export function leave(state: Handover, epoch: number, onLeave: OnLeave): Transition {
  if (state.kind === 'absent') return refused('not-joined', state);
  if (becomesDiscard(state, onLeave)) {
    return step(state, epoch, ['leaving', 'draining'], (standing) => ({ ...standing, onLeave }));
  }
  return step(state, epoch, ['joining', 'active'], () => ({ kind: 'leaving', epoch, onLeave }));
}

function becomesDiscard(state: Handover, onLeave: OnLeave): boolean {
  return 'onLeave' in state && state.onLeave === 'drain' && onLeave === 'discard';
}

/** Every partition has its leave fence. */
export function startDraining(state: Handover, epoch: number): Transition {
  return step(state, epoch, ['leaving'], ({ onLeave }) => ({ kind: 'draining', epoch, onLeave }));
}

/**
 * Everything is drained, and one process takes it upon itself to delete the broker's group. A deletion
 * that lands late would take the next epoch's offsets away, so there is only one, before `absent`.
 *
 * @param instead the closer that is known to be dead, to take over from it.
 */
export function claimClosing(state: Handover, epoch: number, closer: string, instead?: string): Transition {
  if (
    state.kind === 'draining' &&
    state.closer !== undefined &&
    state.closer !== closer &&
    state.closer !== instead
  ) {
    return refused('other-closer', state);
  }
  return step(state, epoch, ['draining'], ({ onLeave }) => ({ kind: 'draining', epoch, onLeave, closer }));
}

/** The broker's group is deleted: the epoch is over. */
export function close(state: Handover, epoch: number, closer: string): Transition {
  if (state.kind === 'draining' && state.closer !== closer) return refused('other-closer', state);
  return step(state, epoch, ['draining'], () => ({ kind: 'absent', epoch }));
}

/** The first epoch that is not over in this state: the fences of those before are all made. */
export function firstOpenEpoch({ kind, epoch }: HandoverMark): number {
  return kind === 'draining' || kind === 'absent' ? epoch + 1 : epoch;
}

/** The color may have messages to handle: while its group is being deleted, and afterwards, it has none. */
export function handoverOpen(state: Handover): boolean {
  return state.kind !== 'absent' && !(state.kind === 'draining' && state.closer !== undefined);
}

/** Everything that is over is folded: no fence of an earlier epoch is needed. */
export function isFolded(state: Handover): boolean {
  return sinceOf(state) >= firstOpenEpoch(state);
}

type Of<Kind extends Handover['kind']> = Extract<Handover, { kind: Kind }>;

function step<Kind extends Handover['kind']>(
  state: Handover,
  epoch: number,
  from: readonly Kind[],
  to: (state: Of<Kind>) => Handover,
): Transition {
  if (state.epoch !== epoch) return refused('other-epoch', state);
  if (!(from as readonly string[]).includes(state.kind)) return refused('wrong-state', state);
  const stepped = to(state as Of<Kind>);
  const { progress } = state;
  const kept = progress !== undefined && stepped.kind !== 'absent' && { progress };
  return next({ ...foldedPart(state), ...kept, ...stepped });
}

function next(state: Handover): Transition {
  return { kind: 'next', state: Object.freeze(state) };
}

function refused(reason: TransitionRefusal, state: Handover): Transition {
  return { kind: 'refused', reason, state };
}
