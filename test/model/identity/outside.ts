import type { ActionKind } from '../scene.js';
import { join, leave } from '../shipped.js';
import { idOf, transition } from './directory.js';
import { started } from './members.js';
import type { Tell } from './model.js';
import { handoverOf, type Member, put, type Situation } from './state.js';
import type { IdentityWorld } from './world.js';

/** What comes from outside: messages, the operator, the environment of the color. */
export function environmentActions(world: IdentityWorld, situation: Situation, tell: Tell): void {
  const { log, handled, b, c, wipes, joins, entry, joining } = situation;
  if (handled.length < (world.messages[log] ?? 0) && mayCome(situation))
    tell('progress', put(situation, { handled: [...handled, ''] }), `message ${handled.length} comes`);
  if (log + 1 < world.messages.length) {
    const anew = (member: Member): Member => {
      const { client, check } = member;
      // The batch in hand is of the topic that is gone.
      const others = check?.why === 'began' ? undefined : check;
      return put(member, {
        begun: undefined,
        check: others,
        client: client.offset === 0 ? { offset: 0, log: log + 1 } : client,
      });
    };
    // The broker forgets what groups had committed in a topic that is gone.
    const next = put(situation, {
      log: log + 1,
      handled: [],
      baseline: undefined,
      colored: undefined,
      b: anew(b),
      c: anew(c),
    });
    tell('fault', next, 'the topic is deleted and made again');
  }
  if (wipes < (world.wipes ?? 0) && entry !== undefined) {
    const next = put(situation, { entry: undefined, fences: {}, mark: situation.mark + 1, wipes: wipes + 1 });
    tell('fault', next, 'the directory is emptied');
  }
  if (joining !== undefined) {
    joinActions(situation, joining, 'progress', tell);
  } else if (!c.up && (entry === undefined || handoverOf(entry)?.kind === 'absent')) {
    const asked = put(situation, { joining: log, joins: joins + 1 });
    if (joins < (world.joins ?? 1) && world.fine !== 'all') joinActions(asked, log, 'event', tell);
    else if (joins < (world.joins ?? 1))
      tell('event', asked, 'the color asks for the id of the topic, to join');
  } else if (!c.up && entry !== undefined) {
    // Its consumer, or one of the baseline that drains.
    tell('progress', started(situation, 'c'), 'a member of the colored group begins');
  }
  const standing = handoverOf(entry);
  if (world.leaves && (standing?.kind === 'joining' || standing?.kind === 'active')) {
    const next = transition(situation, (state) => leave(state, state.epoch, 'drain'));
    if (next !== undefined) tell('event', next, 'the color is to leave');
  }
}

function joinActions(situation: Situation, log: number, kind: ActionKind, tell: Tell): void {
  const epochs = situation.epochs + 1;
  const next = transition(situation, (state) => join(state, epochs, idOf(log)));
  const cleared = put(next === undefined ? situation : put(next, { epochs }), { joining: undefined });
  tell(kind, next === undefined ? cleared : started(cleared, 'c'), `the color joins in topic ${log}`);
}

/**
 * A client that has not fetched since the topic was made again notices by the end of the log, which is before its
 * place; where the log is beyond that already, it reads on from there: Kafka's own, and not looked at here.
 */
function mayCome({ log, handled, baseline, colored, b, c }: Situation): boolean {
  const places = [baseline, colored, b.up ? b.client : undefined, c.up ? c.client : undefined];
  return places.every(
    (place) =>
      place === undefined || place.log === log || place.offset === 0 || handled.length + 1 < place.offset,
  );
}
