import type { State } from '../layout.js';
import type { ActionKind, Emit } from '../scene.js';
import { owner } from '../shipped.js';
import { COLOR } from '../world.js';
import { custodianActions } from './custodian.js';
import { idOf } from './directory.js';
import { memberActions, started } from './members.js';
import { environmentActions } from './outside.js';
import {
  bigint,
  type Check,
  DOWN,
  handoverOf,
  type Member,
  NO_VIEW,
  type Place,
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
