import type { State } from '../layout.js';
import type { ActionKind, Emit } from '../scene.js';
import {
  activate,
  claimClosing,
  close,
  firstOpenEpoch,
  join,
  leave,
  nextEpochStep,
  nextStepForEmptyGroup,
  owner,
  startDraining,
  stillNeeded,
} from '../shipped.js';
import { COLOR } from '../world.js';
import { checkPhase, idOf, transition } from './directory.js';
import { memberActions, started, tellFence } from './members.js';
import {
  bigint,
  type Check,
  CUSTODIAN,
  DOWN,
  handoverOf,
  here,
  type Member,
  NO_VIEW,
  type Place,
  put,
  type Situation,
  truth,
  type View,
} from './state.js';
import type { IdentityWorld } from './world.js';

// Taken out of the globals, which are slow to reach from a test.
const { stringify } = JSON;

export type Tell = (kind: ActionKind, next: Situation, label: string, violation?: string) => void;

/** The world as a graph. A state is the number of a situation that was written out. */
export class IdentityModel {
  readonly layout = { size: 4, canonical: (state: State) => ({ state, exchanged: false }) };
  readonly #world: IdentityWorld;
  readonly #numbers = new Map<string, number>();
  readonly #situations: Situation[] = [];

  constructor(world: IdentityWorld) {
    this.#world = world;
  }

  initial(): State {
    const [first = 0] = this.#world.messages;
    return this.#number({
      log: 0,
      handled: new Array<''>(first).fill(''),
      fences: {},
      mark: 0,
      b: started({ b: DOWN, log: 0 } as unknown as Situation, 'b').b,
      c: DOWN,
      upkeepView: NO_VIEW,
      restarts: 0,
      wipes: 0,
      joins: 0,
      epochs: 0,
    });
  }

  nameOf(): string {
    return '';
  }

  successors(state: State, report: Emit): void {
    const situation = this.#situation(state);
    const tell: Tell = (kind, next, label, violation) =>
      report(kind, this.#number(next), () => label, violation);
    const world = this.#world;
    environmentActions(world, situation, tell);
    memberActions(world, situation, 'b', tell);
    memberActions(world, situation, 'c', tell);
    custodianActions(world, situation, tell);
  }

  lost(state: State): string | undefined {
    const situation = this.#situation(state);
    const { handled, log, entry, baseline, colored, mark, b, c } = situation;
    const standing = handoverOf(entry);
    // What is gone from the directory is put back by whoever remembers it.
    if ([b, c].some(({ up, view }) => up && view.entry !== undefined && view.mark !== mark)) return undefined;
    if (standing !== undefined && standing.log !== idOf(log)) return undefined;
    const fences = truth(situation);
    const past = (group: Situation['baseline'], offset: number): boolean =>
      group !== undefined && group.log === log && group.offset > offset;
    for (let offset = 0; offset < handled.length; offset++) {
      if (handled[offset] !== '') continue;
      const found = owner(COLOR, 0, bigint(offset), fences).kind;
      if (found === 'undecided') continue;
      const over = found === 'colored' && standing?.kind === 'absent';
      if (over || past(found === 'baseline' ? baseline : colored, offset)) return `lost: message ${offset}`;
    }
    return undefined;
  }

  settled(state: State): boolean {
    const { handled, log, entry } = this.#situation(state);
    if (handled.length < (this.#world.messages[log] ?? 0) || handled.includes('')) return false;
    const standing = handoverOf(entry);
    return standing === undefined || (standing.kind === 'active' && standing.log === idOf(log));
  }

  #situation(state: State): Situation {
    const [a = 0, b = 0, c = 0, d = 0] = state;
    return this.#situations[a | (b << 8) | (c << 16) | (d << 24)] as Situation;
  }

  #number(situation: Situation): State {
    const text = written(situation);
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#situations.length;
      this.#numbers.set(text, number);
      this.#situations.push(situation);
    }
    return Uint8Array.of(number & 255, (number >> 8) & 255, (number >> 16) & 255, number >>> 24);
  }
}

/** Equal situations are written alike. */
function written(situation: Situation): string {
  const { log, handled, entry, fences, mark, baseline, colored, b, c, upkeep, upkeepView, joining } =
    situation;
  const { restarts, wipes, joins, epochs } = situation;
  return [
    ...[
      log,
      handled.length,
      handled.join(),
      entry,
      stringify(fences),
      mark,
      placed(baseline),
      placed(colored),
    ],
    ...[...member(b), ...member(c), ...checked(upkeep), ...viewed(upkeepView)],
    ...[joining, restarts, wipes, joins, epochs],
  ].join('|');
}

function member({
  up,
  refreshed,
  log,
  at,
  client,
  committed,
  proof,
  check,
  begun,
  doubtful,
  starts,
  view,
}: Member): unknown[] {
  const proven = proof && `${proof.position} ${proof.known.kind} ${proof.known.epoch}`;
  return [
    up,
    refreshed,
    log,
    placed(at),
    placed(client),
    committed,
    proven,
    begun,
    doubtful,
    starts,
    ...checked(check),
    ...viewed(view),
  ];
}

const placed = (place: Place | undefined): string =>
  place === undefined ? '' : `${place.offset}@${place.log}`;
const checked = (check: Check | undefined): unknown[] =>
  check === undefined ? [''] : [check.why, check.phase, check.log, check.renews];
const viewed = ({ read, entry, fences, mark }: View): unknown[] => [read, entry, stringify(fences), mark];

/** What comes from outside: messages, the operator, the environment of the color. */
function environmentActions(world: IdentityWorld, situation: Situation, tell: Tell): void {
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

function custodianActions(world: IdentityWorld, situation: Situation, tell: Tell): void {
  const { upkeep, upkeepView, entry, b, c } = situation;
  if (upkeep !== undefined) {
    const phase = checkPhase(world, situation, upkeep, upkeepView);
    const done = phase.check === 'done';
    const next = put(phase.next, {
      upkeep: phase.check === 'done' ? undefined : phase.check,
      upkeepView: done ? NO_VIEW : phase.view,
    });
    tell(
      'progress',
      next,
      `the upkeep ${done ? 'has looked' : 'looks'} at the topic's identity (${upkeep.phase})`,
    );
  }
  const standing = handoverOf(entry);
  // It is due every 30 seconds. Where it could make no difference it is left out.
  if (upkeep === undefined && (world.fine || (standing && standing.log !== idOf(situation.log))))
    tell('progress', put(situation, { upkeep: { why: 'upkeep', phase: 'begin' } }), 'the upkeep begins');
  if (standing === undefined) return;
  const fences = truth(situation);
  const { epoch } = standing;
  const end = situation.handled.length;
  const within = (place: Situation['baseline']): bigint | undefined =>
    place !== undefined && place.offset <= end ? bigint(place.offset) : undefined;
  for (const group of ['baseline', 'colored'] as const) {
    if (group === 'baseline' ? b.up : c.up) continue;
    const known = { kind: standing.kind, epoch };
    const committed = within(situation[group]) ?? (group === 'baseline' ? 0n : undefined);
    const step = nextStepForEmptyGroup({
      here: here({ read: entry as string, entry: entry as string, fences: situation.fences }),
      evidence: { group, known, committed },
    });
    if (!('offset' in step)) continue;
    const fence =
      step.kind === 'create-join-fence' ? 'join' : step.kind === 'create-stop-fence' ? 'stop' : 'leave';
    tellFence(situation, undefined, fence, step.epoch, Number(step.offset), tell);
  }
  const step = nextEpochStep({
    fences,
    color: COLOR,
    partitions: [0],
    committed: () => within(situation.colored),
    members: () => c.up,
    closer: CUSTODIAN,
  });
  const write = (change: Parameters<typeof transition>[1], base = situation): void => {
    const next = transition(base, change);
    if (next !== undefined) tell('progress', next, `the directory: ${handoverOf(next.entry)?.kind}`);
  };
  if (step.kind === 'activate') write((state) => activate(state, epoch));
  if (step.kind === 'start-draining') write((state) => startDraining(state, epoch));
  if (step.kind === 'claim-closing') write((state) => claimClosing(state, epoch, CUSTODIAN));
  if (step.kind === 'delete-group-and-close')
    write((state) => close(state, epoch, CUSTODIAN), put(situation, { colored: undefined }));
  sweep(situation, tell);
}

function sweep(situation: Situation, tell: Tell): void {
  const standing = handoverOf(situation.entry);
  if (standing === undefined) return;
  const since = standing.since ?? 1;
  const names = Object.keys(situation.fences);
  const left = names.filter((name) => Number(name.split('/')[0]) >= since);
  if (left.length < names.length) {
    const fences = Object.fromEntries(left.map((name) => [name, situation.fences[name] as number]));
    tell('progress', put(situation, { fences }), 'fences of an epoch that is over are deleted');
  } else if (standing.kind === 'absent' && since >= firstOpenEpoch(standing) && names.length === 0) {
    const reached = bigint(situation.baseline?.offset ?? 0);
    if (stillNeeded(standing.past ?? new Map(), () => reached).size > 0) return;
    tell('progress', put(situation, { entry: undefined }), 'the entry is deleted');
  }
}
