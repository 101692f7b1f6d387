import {
  compareHandovers,
  type FenceKind,
  fold,
  type Handover,
  isFolded,
  isOfAnotherLog,
  missingFences,
  NEVER_JOINED,
  renew,
  restorePlan,
  type Transition,
} from '../shipped.js';
import { COLOR } from '../world.js';
import {
  bigint,
  type Check,
  encoded,
  handoverOf,
  here,
  NO_VIEW,
  type Place,
  put,
  type Situation,
  tableOf,
  truth,
  type View,
} from './state.js';
import type { IdentityWorld } from './world.js';

/** A topic's id, as the broker tells it. */
export const idOf = (log: number): string => `topic-${log}`;

/** By compare-and-set, as `TopicHandover.transition` does it: what is over is folded before and after. */
export function transition(
  situation: Situation,
  change: (state: Handover) => Transition,
): Situation | undefined {
  const standing = handoverOf(situation.entry);
  const state = folded(situation, standing ?? NEVER_JOINED);
  const result = change(state);
  if (result.kind === 'refused') return undefined;
  return put(situation, { entry: encoded(folded(situation, result.state)) });
}

function folded(situation: Situation, state: Handover): Handover {
  if (state.kind !== 'absent' || isFolded(state)) return state;
  return fold(state, truth(situation).colors.get(COLOR) ?? { partitions: new Map() }) ?? state;
}

export function createFence(
  situation: Situation,
  epoch: number,
  fence: FenceKind,
  offset: number,
): Situation {
  const name = `${epoch}/${fence}`;
  if (situation.fences[name] !== undefined) return situation;
  return put(situation, { fences: { ...situation.fences, [name]: offset } });
}

/** Fences that are known, without those that are folded away. */
export function learnFence(view: View, name: string, situation: Situation): View {
  const offset = situation.fences[name];
  return offset === undefined ? view : { ...view, fences: sorted({ ...view.fences, [name]: offset }) };
}

/**
 * A linearizable read by a process that remembers `view`. Where what it needs is gone, and the directory was emptied,
 * it is put back first.
 */
export function read(
  { without }: IdentityWorld,
  situation: Situation,
  view: View,
): { readonly next: Situation; readonly view: View } {
  const seesEarlier = without !== 'put-back-later-state';
  const restored = lacks(situation, view, seesEarlier) ? restore(situation, view) : situation;
  const next = without === 'put-back-boundaries' ? restored : withLostFences(restored, view);
  const found = viewOf(next);
  // States move on: of one epoch the later is known, whoever has put back an earlier one.
  const known = handoverOf(view.entry);
  const standing = handoverOf(next.entry);
  if (known === undefined || standing?.epoch !== known.epoch) return { next, view: found };
  const entry = compareHandovers(known, standing) > 0 ? view.entry : found.entry;
  // And a boundary that is known stays known.
  return {
    next,
    view: put(found, { entry, fences: counting({ ...view.fences, ...found.fences }, standing) }),
  };
}

function counting(fences: Readonly<Record<string, number>>, { since = 1 }: Handover): Record<string, number> {
  return sorted(
    Object.fromEntries(Object.entries(fences).filter(([name]) => Number(name.split('/')[0]) >= since)),
  );
}

function viewOf({ entry, fences, mark }: Situation): View {
  return entry === undefined ? { ...NO_VIEW, mark } : { read: entry, entry, fences, mark };
}

function lacks(situation: Situation, view: View, seesEarlier: boolean): boolean {
  if (view.mark === situation.mark) return false;
  const known = handoverOf(view.entry);
  if (known === undefined || (known.kind === 'absent' && known.past === undefined)) return false;
  const standing = handoverOf(situation.entry);
  if (standing?.epoch !== known.epoch) return true;
  return seesEarlier && compareHandovers(standing, known) < 0;
}

/** Fences that count, and that somebody who did not know them has not put back. */
function withLostFences(situation: Situation, view: View): Situation {
  const known = handoverOf(view.entry);
  const standing = handoverOf(situation.entry);
  if (known === undefined || standing === undefined) return situation;
  const partitions = tableOf(view).colors.get(COLOR)?.partitions ?? new Map();
  const lost = missingFences(
    { color: COLOR, state: known, partitions },
    standing,
    ({ epoch, fence }) => situation.fences[`${epoch}/${fence}`] !== undefined,
  );
  let next = situation;
  for (const { epoch, fence, offset } of lost) next = createFence(next, epoch, fence, Number(offset));
  return next === situation ? situation : put(next, { fences: sorted(next.fences) });
}

function restore(situation: Situation, view: View): Situation {
  const fences = tableOf(view).colors.get(COLOR);
  const known = handoverOf(view.entry) as Handover;
  const standing = handoverOf(situation.entry);
  const plan = restorePlan(
    { color: COLOR, state: known, partitions: fences?.partitions ?? new Map() },
    standing,
  );
  let next = situation;
  for (const { epoch, fence, offset } of plan.fences) next = createFence(next, epoch, fence, Number(offset));
  if (plan.state === undefined) return next;
  return put(next, { entry: encoded(plan.state), fences: sorted(next.fences) });
}

interface Phase {
  readonly next: Situation;
  readonly view: View;
  readonly check: Check | 'done';
}

/** The next phase of a look at the topic's identity, or all of it. The topic is asked after the directory was read. */
export function checkPhase(world: IdentityWorld, situation: Situation, check: Check, view: View): Phase {
  let phase = onePhase(world, situation, check, view);
  const isFine = world.fine === 'all' || world.fine === check.why;
  while (!isFine && phase.check !== 'done') phase = onePhase(world, phase.next, phase.check, phase.view);
  return phase;
}

function onePhase(world: IdentityWorld, situation: Situation, check: Check, view: View): Phase {
  const early = world.without === 'ask-for-the-topic-last';
  if (check.phase === 'begin') {
    if (early && check.log === undefined)
      return { next: situation, view, check: { ...check, log: situation.log } };
    const found = read(world, situation, view);
    return { ...found, check: { ...check, phase: 'read' } };
  }
  if (check.phase === 'read') {
    const log = early ? (check.log as number) : situation.log;
    const color = tableOf(view).colors.get(COLOR);
    const { handover } = here(view);
    const id = world.without === 'topic-identity' ? undefined : idOf(log);
    const end = bigint(situation.handled.length);
    const isOther = color !== undefined && isOfAnotherLog(color, id, () => end);
    const asked: Check = { why: check.why, phase: 'asked', log };
    return {
      next: situation,
      view,
      check: isOther ? { ...asked, renews: (handover as Handover).epoch } : asked,
    };
  }
  if (check.renews === undefined) return { next: situation, view, check: 'done' };
  const epochs = situation.epochs + 1;
  const renewed = transition(situation, (state) =>
    renew(
      state,
      check.renews as number,
      epochs,
      world.without === 'topic-identity' ? undefined : idOf(check.log as number),
    ),
  );
  // Whoever changes an entry knows it as it stands then, also where somebody else was faster.
  if (renewed === undefined) return { next: situation, view: viewOf(situation), check: 'done' };
  // Of a group without members: one with members notices by itself.
  const colored: Place | undefined =
    situation.c.up || situation.colored === undefined ? situation.colored : { offset: 0, log: situation.log };
  return { next: put(renewed, { epochs, colored }), view: viewOf(renewed), check: 'done' };
}

export function sorted(fences: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(fences).sort(([a], [b]) => (a < b ? -1 : 1)));
}
