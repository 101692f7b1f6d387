import {
  type Color,
  ENVIRONMENT_PREFIX,
  environmentKey,
  MEMBERSHIP_PREFIX,
  parseMembershipKey,
  parseSubscriptionKey,
  type StateEntry,
  type StateStore,
  SUBSCRIPTION_PREFIX,
} from '@colorway/core';
import { isOfSomeVersion, parseHandover } from '../../ownership/handover-codec.js';
import { parseHandoverKey } from '../../ownership/handover-keys.js';

/** So many are remembered; more are asked for again. */
const MAX_FOUND = 1_000;

/**
 * Entries that no version of this library wrote, of colors of which nothing is there: no boundary, no environment, no membership,
 * no record of a consumer. Nobody can own a message of such a color, so its entry counts as none: else one line of anybody's would
 * stop partitions of the baseline.
 *
 * It cannot become wrong while the entry stands: nobody joins over what he cannot read, and when it is gone a color joins
 * where the baseline stands, behind all that the baseline has handled.
 */
export class NobodysEntries {
  readonly #state: StateStore;
  readonly #prefix: string;
  /** What was found to be nobody's, by key and version. */
  readonly #found = new Map<string, string>();

  constructor(state: StateStore, prefix: string) {
    this.#state = state;
    this.#prefix = prefix;
  }

  /**
   * What was read, without them. Asks the directory three things about all of them together, and of each but once where it is so.
   *
   * @param isRemembered whether this process knows that the color has, or had, something here.
   */
  async without(
    entries: readonly StateEntry[],
    isRemembered: (color: Color) => boolean,
  ): Promise<readonly StateEntry[]> {
    const suspects = this.#suspects(entries, isRemembered);
    if (suspects.size === 0) return entries;
    const unknown = [...suspects.values()].filter(({ key, version }) => this.#found.get(key) !== version);
    if (unknown.length > 0) await this.#ask(suspects, unknown);
    const nobodys = new Set(
      [...suspects.values()].filter((entry) => this.#found.get(entry.key) === entry.version),
    );
    return entries.filter((entry) => !nobodys.has(entry));
  }

  #suspects(entries: readonly StateEntry[], isRemembered: (color: Color) => boolean): Map<Color, StateEntry> {
    const suspects = new Map<Color, StateEntry>();
    const fenced = new Set<Color>();
    for (const entry of entries) {
      const parsed = parseHandoverKey(this.#prefix, entry.key);
      if (parsed?.kind === 'fence') fenced.add(parsed.color);
      if (parsed?.kind !== 'state' || parseHandover(entry.value).kind !== 'unreadable') continue;
      if (!isOfSomeVersion(entry.value) && !isRemembered(parsed.color)) suspects.set(parsed.color, entry);
    }
    for (const color of fenced) suspects.delete(color);
    return suspects;
  }

  async #ask(suspects: ReadonlyMap<Color, StateEntry>, unknown: readonly StateEntry[]): Promise<void> {
    try {
      const [environments, members, records] = await Promise.all(
        [ENVIRONMENT_PREFIX, MEMBERSHIP_PREFIX, SUBSCRIPTION_PREFIX].map((prefix) =>
          this.#state.list(prefix),
        ),
      );
      const named = new Set(environments?.map(({ key }) => key));
      const used = new Set<Color | undefined>();
      for (const { key } of members ?? []) used.add(parseMembershipKey(key)?.color);
      for (const { key } of records ?? []) used.add(parseSubscriptionKey(key)?.color);
      if (this.#found.size > MAX_FOUND) this.#found.clear();
      for (const [color, { key, version }] of suspects) {
        if (!named.has(environmentKey(color)) && !used.has(color)) this.#found.set(key, version);
      }
    } catch {
      // Not known is not nobody's: whoever needs it waits, and the next read asks again.
      for (const { key } of unknown) this.#found.delete(key);
    }
  }
}
