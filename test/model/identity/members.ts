import {
  areTwoLogs,
  type CommitStep,
  type FenceKind,
  firstOpenEpoch,
  logOf,
  mustAskForLog,
  nextColoredStep,
  nextStep,
} from '../shipped.js';
import { take } from './batches.js';
import { checkPhase, createFence, idOf, learnFence, read, sorted } from './directory.js';
import type { Tell } from './model.js';
import {
  bigint,
  type Check,
  handoverOf,
  here,
  type Member,
  type Place,
  proofIn,
  put,
  type Situation,
} from './state.js';
import { learn } from './watch.js';
import type { IdentityWorld } from './world.js';

export type Side = 'b' | 'c';
export const GROUP = { b: 'baseline', c: 'colored' } as const;

/** Everything that a member of a group can do next. */
export function memberActions(world: IdentityWorld, situation: Situation, side: Side, tell: Tell): void {
  const member = situation[side];
  const name = GROUP[side];
  if (!member.up) return;
  const update = (
    changes: { [Key in keyof Member]?: Member[Key] | undefined },
    base = situation,
  ): Situation => put(base, { [side]: put(base[side], changes) });
  if (world.restarts > situation.restarts)
    tell(
      'fault',
      put(started(situation, side), { restarts: situation.restarts + 1 }),
      `the ${name}'s member is started anew`,
    );
  const { check } = member;
  if (check !== undefined) {
    const phase = checkPhase(world, situation, check, member.view);
    const done = phase.check === 'done';
    let next = update(
      { view: phase.view, check: phase.check === 'done' ? undefined : phase.check },
      phase.next,
    );
    if (done)
      next = afterCheck(
        world,
        next,
        side,
        world.fine === 'all' ? (check.log as number) : situation.log,
        check.why,
      );
    tell(
      'progress',
      next,
      `the ${name}'s member ${done ? 'has looked' : 'looks'} at the topic's identity (${check.phase})`,
    );
    return;
  }
  if (!member.refreshed) {
    if (world.without !== 'check-at-assignment')
      tell('progress', update({ check: { why: 'assigned', phase: 'begin' } }), `the ${name}'s member begins`);
    else
      tell(
        'progress',
        afterCheck(world, situation, side, undefined, 'assigned'),
        `the ${name}'s member begins`,
      );
    return;
  }
  learn(world, situation, side, tell);
  if (side === 'c' && mustFollow(world, member)) {
    tell('progress', update({ check: { why: 'follow', phase: 'begin' } }), 'the color is of another topic');
    return;
  }
  const step = side === 'b' ? baselineStep(situation) : coloredStep(situation);
  if (step.kind === 'refresh-view') {
    const found = read(world, situation, member.view);
    tell('progress', update({ view: found.view }, found.next), `the ${name}'s member reads the directory`);
  } else if (step.kind === 'commit-in-generation') {
    prove(world, situation, side, step, tell);
  } else if ('offset' in step) {
    const fence =
      step.kind === 'create-join-fence' ? 'join' : step.kind === 'create-stop-fence' ? 'stop' : 'leave';
    tellFence(situation, side, fence, step.epoch, Number(step.offset), tell);
  } else if (step.kind === 'commit-start') {
    // It is an offset of the topic that the color has looked at.
    const start = placeIn(situation, Number(step.position), member);
    const next = update({ at: start, client: start, committed: start.offset, starts: true });
    // It is committed with the first batch, before the first message.
    tell('progress', next, `the colored group goes to ${start.offset}`);
  } else if (step.kind === 'done') {
    tell(
      'progress',
      put(situation, { c: { ...situation.c, up: false, refreshed: false } }),
      'the colored group is left by its member',
    );
  }
  const takes = side === 'b' || step.kind === 'consume';
  const until = step.kind === 'consume' && step.until !== undefined ? Number(step.until) : undefined;
  if (takes) take(world, situation, side, until, tell);
}

function mustFollow({ without }: IdentityWorld, { log, view }: Member): boolean {
  if (without === 'follow-the-color' || log === undefined) return false;
  return areTwoLogs(logOf(here(view).handover), idOf(log));
}

function afterCheck(
  world: IdentityWorld,
  situation: Situation,
  side: Side,
  log: number | undefined,
  why: Check['why'],
): Situation {
  const member = situation[side];
  if (why === 'follow') {
    const found = { log, check: undefined };
    const other = { ...found, at: undefined, committed: undefined, starts: undefined };
    return put(situation, { c: put(member, member.log === log ? found : other) });
  }
  if (why !== 'began') {
    const found = read(world, situation, member.view);
    const committed = situation.colored;
    const changes = put(member, {
      view: found.view,
      log,
      refreshed: true,
      doubtful: undefined,
      check: undefined,
    });
    if (side === 'b') {
      const { at, doubtful } = member;
      // A place that is known to be of the topic that is gone is none; of a doubtful one the end tells.
      const isKnown = member.log !== undefined && !(why === 'fence' && doubtful);
      const isOld = isKnown && log !== undefined && member.log !== log;
      const isBeyond = why === 'fence' && at !== undefined && at.offset > situation.handled.length;
      return put(found.next, { b: isOld || isBeyond ? put(changes, { at: undefined }) : changes });
    }
    return put(found.next, { c: put(changes, { at: committed, committed: committed?.offset }) });
  }
  const { client } = member;
  const found = { log, check: undefined, doubtful: undefined };
  if (member.log === log)
    return put(situation, { [side]: put(member, { ...found, at: client, begun: true }) });
  // The batch that was in hand goes on, and a color starts at its boundary.
  const other = put(member, { ...found, committed: undefined, starts: undefined });
  const next = side === 'b' ? put(other, { at: client, begun: true }) : put(other, { at: undefined });
  return put(situation, { [side]: next });
}

export function baselineStep({ b }: Situation) {
  return nextStep({
    here: here(b.view),
    position: bigint(b.at?.offset ?? 0),
    handling: false,
    refreshed: b.refreshed,
    generation: 1,
    proof: proofIn(b),
  });
}

export function coloredStep({ c }: Situation) {
  return nextColoredStep({
    here: here(c.view),
    position: c.at && bigint(c.at.offset),
    committed: c.committed === undefined ? undefined : bigint(c.committed),
    handling: false,
    refreshed: c.refreshed,
    generation: 1,
    proof: proofIn(c),
  });
}

/** Commits for a fence. A position of a topic that is gone makes none. */
function prove(world: IdentityWorld, situation: Situation, side: Side, step: CommitStep, tell: Tell): void {
  const member = situation[side];
  const end = situation.handled.length;
  let { at } = member;
  const { log } = member;
  const { handover } = here(member.view);
  const stated = logOf(handover);
  const forgets = side === 'b' && world.without !== 'same-topic-for-a-boundary';
  if (forgets && mustAskForLog(stated, log === undefined ? undefined : idOf(log), member.doubtful ?? false)) {
    tell(
      'progress',
      put(situation, { b: put(member, { check: { why: 'fence', phase: 'begin' } }) }),
      'the boundary would be of another topic',
    );
    return;
  }
  if (at === undefined && side === 'b') {
    const { baseline } = situation;
    at = baseline !== undefined && baseline.offset <= end ? baseline : { offset: 0, log: situation.log };
  }
  const place = at ?? { offset: Number(step.position), log: situation.log };
  const known = step.known;
  const next = put(situation, {
    [side]: put(member, {
      at: place,
      log,
      committed: place.offset,
      proof: { position: place.offset, known },
    }),
    [GROUP[side]]: place,
  });
  tell('progress', next, `the ${GROUP[side]}'s member commits ${place.offset}, for a fence`);
}

export function tellFence(
  situation: Situation,
  side: Side | undefined,
  fence: FenceKind,
  epoch: number,
  offset: number,
  tell: Tell,
): void {
  let next = createFence(situation, epoch, fence, offset);
  next = put(next, { fences: sorted(next.fences) });
  const name = `${epoch}/${fence}`;
  if (side !== undefined)
    next = put(next, { [side]: put(next[side], { view: learnFence(next[side].view, name, next) }) });
  const who = side === undefined ? 'the custodian' : `the ${GROUP[side]}'s member`;
  const standing = handoverOf(situation.entry);
  const counts =
    standing !== undefined &&
    standing.epoch === epoch &&
    firstOpenEpoch(standing) <= epoch &&
    standing.log === idOf(situation.log) &&
    next.fences[name] === offset;
  const violation =
    counts && offset > situation.handled.length ? `beyond the end: ${fence} ${offset}` : undefined;
  tell('progress', next, `${who} creates ${name} = ${offset}, ${next.fences[name]} stands`, violation);
}

/** An offset that the topic has reached is one in it; another is of the topic that the color has joined in. */
function placeIn({ log, handled }: Situation, offset: number, { view }: Member): Place {
  const stated = handoverOf(view.entry)?.log;
  return { offset, log: offset <= handled.length ? log : Number(stated?.slice('topic-'.length)) };
}

/** A member that begins: where its group has committed, or at the beginning. */
export function started(situation: Situation, side: Side): Situation {
  const committed = situation[GROUP[side]] ?? { offset: 0, log: situation.log };
  const member = situation[side];
  return put(situation, {
    [side]: { up: true, refreshed: false, client: committed, view: { fences: {}, mark: member.view.mark } },
  });
}
