import { type Color, parseColor, quote, type StateEntry, type StateStore } from '@colorway/core';
import { CONFLICT, retryConflicts } from '@colorway/core/background';
import {
  type Environment,
  environmentKey,
  formatEnvironment,
  parseEnvironment,
  type StoredEnvironment,
  toEnvironment,
} from './environment.js';
import { environmentUnknown } from './environment-errors.js';
import { type ChangeNote, type EnvironmentChange, publishChange, withChange } from './environment-history.js';
import type { ProlongOptions } from './environment-options.js';

/** What is done, and when, in milliseconds since the epoch. */
type Change = Pick<EnvironmentChange, 'act' | 'at' | 'service'>;

/** The keys of environments: read, and written with who changed what. */
export class EnvironmentRecords {
  readonly #state: StateStore;
  readonly #changedBy: string;

  constructor(state: StateStore, changedBy: string) {
    this.#state = state;
    this.#changedBy = changedBy;
  }

  async find(
    color: Color,
  ): Promise<{ stored: StoredEnvironment | undefined; entry: StateEntry } | undefined> {
    const entry = await this.#state.get(environmentKey(parseColor(color)));
    return entry && { stored: parseEnvironment(entry), entry };
  }

  /** @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`, also for one that is being ended. */
  async existing(color: Color): Promise<{ stored: StoredEnvironment; entry: StateEntry }> {
    const { stored, entry } = (await this.find(color)) ?? {};
    if (entry !== undefined && stored?.color === color && !stored.ending) return { stored, entry };
    throw environmentUnknown(color, stored);
  }

  /** Writes what was changed, if it still is what was seen. */
  async write(
    environment: StoredEnvironment,
    seen: StateEntry,
    change: Change,
    note: ChangeNote,
  ): Promise<Environment | typeof CONFLICT> {
    const history = this.history(environment.history, change, note);
    const value = formatEnvironment({ ...environment, history });
    if ((await this.#state.compareAndSet(seen.key, value, seen.version)) === undefined) return CONFLICT;
    publishChange(environment.color, history);
    return toEnvironment(environment);
  }

  /** Moves the end, if that makes it later by enough. */
  async prolong(
    color: Color,
    expiresAt: number,
    at: number,
    { minGainMs = 0, ...note }: ProlongOptions,
  ): Promise<void> {
    await retryConflicts(`Environment ${quote(color)}`, async () => {
      const { stored, entry } = (await this.find(color)) ?? {};
      if (stored === undefined || entry === undefined || stored.color !== color || stored.ending) return true;
      const gainMs = expiresAt - stored.expiresAt;
      if (gainMs <= 0 || gainMs < minGainMs) return true;
      return this.write({ ...stored, expiresAt }, entry, { act: 'prolonged', at }, note);
    });
  }

  /** Notes a withdrawal, which is written elsewhere, with its environment, if there is one. */
  async remember(service: string, color: Color, at: number, note: ChangeNote): Promise<void> {
    await retryConflicts(`Environment ${quote(color)}`, async () => {
      const { stored, entry } = (await this.find(color)) ?? {};
      if (stored === undefined || entry === undefined || stored.color !== color || stored.ending) return true;
      return this.write(stored, entry, { act: 'withdrawn', at, service }, note);
    });
  }

  note({ by = this.#changedBy, reason }: ChangeNote): ChangeNote & { readonly by: string } {
    return { by, ...(reason !== undefined && { reason }) };
  }

  history(
    before: readonly EnvironmentChange[],
    change: Change,
    note: ChangeNote,
  ): readonly EnvironmentChange[] {
    return withChange(before, { ...change, ...this.note(note) });
  }
}
