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
import {
  type ChangeNote,
  type EnvironmentAct,
  type EnvironmentChange,
  publishChange,
  withChange,
} from './environment-history.js';

/** The keys of environments: read, and written with who changed what. */
export class EnvironmentRecords {
  readonly #state: StateStore;
  readonly #now: () => number | Promise<number>;
  readonly #changedBy: string;

  constructor(state: StateStore, now: () => number | Promise<number>, changedBy: string) {
    this.#state = state;
    this.#now = now;
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
    act: EnvironmentAct,
    note: ChangeNote,
    service?: string,
  ): Promise<Environment | typeof CONFLICT> {
    const history = await this.history(environment.history, act, note, service);
    const value = formatEnvironment({ ...environment, history });
    if ((await this.#state.compareAndSet(seen.key, value, seen.version)) === undefined) return CONFLICT;
    publishChange(environment.color, history);
    return toEnvironment(environment);
  }

  /** Notes a withdrawal, which is written elsewhere, with its environment, if there is one. */
  async remember(service: string, color: Color, note: ChangeNote): Promise<void> {
    await retryConflicts(`Environment ${quote(color)}`, async () => {
      const { stored, entry } = (await this.find(color)) ?? {};
      if (stored === undefined || entry === undefined || stored.color !== color || stored.ending) return true;
      return this.write(stored, entry, 'withdrawn', note, service);
    });
  }

  note({ by = this.#changedBy, reason }: ChangeNote): ChangeNote & { readonly by: string } {
    return { by, ...(reason !== undefined && { reason }) };
  }

  async history(
    before: readonly EnvironmentChange[],
    act: EnvironmentAct,
    note: ChangeNote,
    service?: string,
  ): Promise<readonly EnvironmentChange[]> {
    const what = service === undefined ? {} : { service };
    return withChange(before, { act, at: await this.#now(), ...this.note(note), ...what });
  }
}
