import { lookAtLog, owner } from '../shipped.js';
import { COLOR } from '../world.js';
import { GROUP, type Side } from './members.js';
import type { Tell } from './model.js';
import { bigint, type Member, memberTable, type Place, put, type Situation, tableOf } from './state.js';
import type { IdentityWorld } from './world.js';

/** The client hands over the next message, or begins again where the topic ends before its place. */
export function take(
  world: IdentityWorld,
  situation: Situation,
  side: Side,
  until: number | undefined,
  tell: Tell,
): void {
  const member = situation[side];
  const { client, at } = member;
  const end = situation.handled.length;
  const update = (
    changes: { [Key in keyof Member]?: Member[Key] | undefined },
    base = situation,
  ): Situation => put(base, { [side]: put(base[side], changes) });
  const group = GROUP[side];
  if (client.log !== situation.log) {
    if (client.offset > end)
      tell(
        'progress',
        update({ client: { offset: 0, log: situation.log } }),
        `the ${group}'s client begins again at 0`,
      );
    return;
  }
  if (client.offset >= end || (until !== undefined && client.offset >= until)) return;
  const look = lookAtLog(
    bigint(client.offset),
    at && bigint(at.offset),
    tableOf(member.view).colors.size,
    world.without !== 'check-where-a-color-starts' && (member.starts ?? false),
  );
  if (
    look === 'ask' &&
    member.log !== undefined &&
    !member.begun &&
    world.without !== 'check-when-it-begins-again'
  ) {
    tell(
      'progress',
      update({ check: { why: 'began', phase: 'begin' } }),
      `the ${group}'s member gets a batch from ${client.offset}, which may be of another topic`,
    );
    return;
  }
  const doubtful = look === 'doubt' || (member.doubtful ?? false);
  const { offset } = client;
  const found = owner(COLOR, 0, bigint(offset), memberTable(member)).kind;
  if (found === 'undecided') return;
  const after: Place = { offset: offset + 1, log: situation.log };
  const moved = put(
    update({
      begun: undefined,
      doubtful: doubtful || undefined,
      client: after,
      at: after,
      committed: after.offset,
    }),
    {
      [group]: after,
    },
  );
  if (found !== group) {
    tell('progress', moved, `the ${group}'s member passes over message ${offset}`);
    return;
  }
  const before = situation.handled[offset];
  const handled = situation.handled.map((by, index) => (index === offset ? group : by));
  tell(
    'progress',
    put(moved, { handled }),
    `the ${group}'s member handles message ${offset}`,
    before === '' || (world.repeats && situation.wipes > 0)
      ? undefined
      : `handled twice: message ${offset}, first by ${before}, then by ${group}`,
  );
}
