import { compareHandovers } from '../shipped.js';
import { learnFence, read } from './directory.js';
import { GROUP, type Side } from './members.js';
import type { Tell } from './model.js';
import { handoverOf, type Member, put, type Situation } from './state.js';
import type { IdentityWorld } from './world.js';

/** A watch tells of one thing. What no read has found, or that something is gone, is asked for. */
export function learn(world: IdentityWorld, situation: Situation, side: Side, tell: Tell): void {
  const { view } = situation[side];
  const seesEarlier = world.without !== 'put-back-later-state';
  const update = (next: Member['view'], base = situation): Situation =>
    put(base, { [side]: put(base[side], { view: next }) });
  if (situation.entry !== view.entry) {
    const known = handoverOf(view.entry);
    const told = handoverOf(situation.entry);
    // Of one epoch an earlier one was put back: before that it was told that the entry is gone.
    const isAnew =
      known === undefined ||
      told === undefined ||
      told.epoch !== known.epoch ||
      (seesEarlier && compareHandovers(told, known) < 0);
    if (isAnew) {
      const found = read(world, situation, view);
      tell(
        'progress',
        update(found.view, found.next),
        `the ${GROUP[side]}'s member is told of a change, and reads`,
      );
    } else
      tell(
        'progress',
        update({ ...view, entry: situation.entry as string }),
        `the ${GROUP[side]}'s member learns: ${told.kind}(${told.epoch})`,
      );
  }
  if (view.entry === undefined) return;
  const since = handoverOf(view.entry)?.since ?? 1;
  const isLost = (name: string): boolean =>
    situation.fences[name] === undefined && Number(name.split('/')[0]) >= since;
  if (Object.keys(view.fences).some(isLost)) {
    const found = read(world, situation, view);
    tell(
      'progress',
      update(found.view, found.next),
      `the ${GROUP[side]}'s member is told that a boundary is gone, and reads`,
    );
  }
  for (const name of Object.keys(situation.fences)) {
    if (view.fences[name] !== undefined) continue;
    tell(
      'progress',
      update(learnFence(view, name, situation)),
      `the ${GROUP[side]}'s member learns: ${name} = ${situation.fences[name]}`,
    );
  }
}
