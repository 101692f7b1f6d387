import type { Crossing, Excuse } from './history.js';
import type { Joined } from './journal.js';

/** How long after a disturbance is over its redeliveries may still come. */
const SETTLE_MS = 3_000;

/** A disturbance that is not over yet. */
type Open = { -readonly [Key in keyof Excuse]: Excuse[Key] };

/** One that took messages from somebody's hands. */
interface Forced {
  readonly victim: string | undefined;
  readonly disturbance: Excuse;
}

/** Keeps what was done to whom: what may be delivered again, and when. */
export class Disturbances {
  readonly #all: Open[] = [];
  /** When a group was joined that had nobody in it: no disturbance, and no surprise either. */
  readonly #entries: Open[] = [];
  readonly #forced: Forced[] = [];
  /** Who commits a message a while after he has handled it, by group. */
  readonly #late: { readonly name: string; readonly group: string }[] = [];
  readonly #changes: { readonly color: string; readonly group: string; readonly at: number }[] = [];
  /** Colors that took over, and were not drained since. */
  readonly #joined = new Set<string>();

  /**
   * Begins a disturbance of these groups.
   * @param victim whose hands held messages; `null` where the partitions were dealt anew and nobody's were opened by
   *   force, `undefined` where everybody's.
   * @returns how to end it; it counts until `laterMs` and a while after that.
   */
  begin(
    groups: readonly string[],
    why: string,
    victim: string | undefined | null,
  ): (laterMs?: number) => void {
    const from = Date.now();
    const begun = groups.map((group): Open => ({ group, from, to: Number.MAX_SAFE_INTEGER, why }));
    this.#all.push(...begun);
    for (const disturbance of begun) {
      if (victim === null) this.#forced.push(...this.#uncommitted(disturbance));
      else this.#forced.push({ victim, disturbance });
    }
    return (laterMs) => end(begun, laterMs);
  }

  /** Somebody enters a group that is empty: that excuses nothing. Returns how to say that he is in. */
  enter(group: string): (laterMs?: number) => void {
    const entry = { group, from: Date.now(), to: Number.MAX_SAFE_INTEGER, why: 'first' };
    this.#entries.push(entry);
    return (laterMs) => end([entry], laterMs);
  }

  /** This one commits late: when the partitions of its group are dealt anew it has handled what is not committed yet. */
  commitsLate(name: string, group: string): void {
    this.#late.push({ name, group });
  }

  isLate(name: string): boolean {
    return this.#late.some((one) => one.name === name);
  }

  /** A color took over from the baseline: what the baseline's had in hand may come to the color. */
  joined(color: string): void {
    this.#joined.add(color);
    this.#cross(color, '');
  }

  /**
   * A color was drained: what its consumers had in hand may come to the baseline. One that began to leave before it was seen
   * to be active has taken over all the same: the boundaries of its join are made while it leaves.
   */
  drained(color: string): void {
    if (!this.#joined.delete(color)) this.#cross(color, '');
    this.#cross(color, color);
  }

  /** Of these disturbances and of all that were begun here, those in which messages changed sides. */
  crossings(unplanned: readonly Excuse[]): Crossing[] {
    const forced = [...this.#forced, ...unplanned.flatMap((one) => this.#uncommitted(one))];
    return this.#changes.flatMap(({ color, group, at }) =>
      forced
        .filter(({ disturbance }) => disturbance.group === group && disturbance.from <= at)
        .map(({ victim, disturbance: { from, to } }) => ({ color, victim, from, to })),
    );
  }

  /**
   * All excuses, with those for partitions that were dealt anew though nobody did anything: on a machine that is busy a
   * member misses its heartbeats.
   */
  excuses(
    joins: readonly Joined[],
    timeoutMs: number,
  ): { readonly excuses: Excuse[]; readonly unplanned: Excuse[] } {
    const isPlanned = ({ side = '', at }: Joined): boolean =>
      [...this.#all, ...this.#entries].some(
        ({ group, from, to }) => group === side && at >= from && at <= to,
      );
    const unplanned = joins
      .filter((join) => !isPlanned(join))
      .map(({ side = '', at, by }) => ({
        group: side,
        from: at - timeoutMs,
        to: at + SETTLE_MS,
        why: `${by} was dealt partitions, which was not planned`,
      }));
    return { excuses: [...this.#all, ...unplanned], unplanned };
  }

  #cross(color: string, group: string): void {
    this.#changes.push({ color, group, at: Date.now() });
  }

  #uncommitted(disturbance: Excuse): Forced[] {
    return this.#late
      .filter(({ group }) => group === disturbance.group)
      .map(({ name: victim }) => ({ victim, disturbance }));
  }
}

function end(all: readonly Open[], laterMs = 0): void {
  for (const one of all) one.to = Date.now() + laterMs + SETTLE_MS;
}
