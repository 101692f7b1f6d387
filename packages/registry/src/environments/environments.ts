import {
  type Color,
  ColorwayError,
  membershipKey,
  parseColor,
  parseSubscription,
  quote,
  type StateStore,
  type Subscription,
} from '@colorway/core';
import {
  CONFLICT,
  defaultReporter,
  type Reporter,
  retryConflicts,
  withTimeLimit,
} from '@colorway/core/background';
import { parseServiceName } from '../service-name.js';
import { awaitLeft } from './await-left.js';
import { endEnvironment, membershipEntries, withdrawAll } from './end-environment.js';
import { endExpired } from './end-expired.js';
import {
  ENVIRONMENT_PREFIX,
  type Environment,
  environmentKey,
  formatEnvironment,
  isOver,
  parseEnvironment,
  type StoredEnvironment,
  toEnvironment,
} from './environment.js';
import { environmentExists, environmentUnknown } from './environment-errors.js';
import { type EnvironmentChange, publishChange } from './environment-history.js';
import {
  type CreateEnvironmentOptions,
  type EnvironmentsOptions,
  type LeaveOptions,
  type Lifetime,
  type ProlongOptions,
  parseOwner,
} from './environment-options.js';
import { EnvironmentRecords } from './environment-records.js';
import { type LeaveProgress, progressOf } from './leave-progress.js';
import { subscriptionEntries, withdrawService } from './leaving.js';
import { formatMembership, type Membership, parseMembership } from './membership.js';
import { PolicyStore } from './policy-store.js';

/**
 * Environments and memberships, kept in a state store. Any number of processes may use one store: each
 * write is a compare-and-set that is tried again when others were faster, at most 40 times
 * (`COLORWAY_CONFLICT`). Every method fails with `COLORWAY_DIRECTORY_FAILED` when the store is away or does not answer
 * within `timeoutMs`, and with `COLORWAY_INVALID_COLOR` for a color outside the grammar.
 *
 * An environment ends in four steps, so that no membership of one that was just extended or made anew is
 * removed: it is marked as ending if it still is what was seen; what its services consume is marked as
 * leaving; its memberships go; its key goes. Whoever comes after a crash in between finishes the rest. From
 * then on its messages leave by themselves: the consumers of each service see to it.
 */
export class Environments {
  /** Bounds on lifetimes, environments of an owner and weights. */
  readonly policy: PolicyStore;
  readonly #state: StateStore;
  readonly #now: () => number | Promise<number>;
  readonly #declaredBy: string;
  readonly #records: EnvironmentRecords;
  readonly #reporter: Reporter;
  readonly #signal: AbortSignal | undefined;

  constructor(state: StateStore, options: EnvironmentsOptions = {}) {
    const { signal, timeoutMs = 5_000 } = options;
    this.#signal = signal;
    const timed = withTimeLimit(state, timeoutMs, { signal, keepsAlive: true });
    this.#state = timed;
    this.#now = options.now ?? timed.now ?? Date.now;
    this.#declaredBy = options.declaredBy ?? 'unknown';
    this.#reporter = options.reporter ?? defaultReporter();
    this.#records = new EnvironmentRecords(this.#state, this.#declaredBy);
    this.policy = new PolicyStore(this.#state, this.#declaredBy, this.#now, this.#reporter);
  }

  /**
   * Creates an environment and declares its services. One that has expired makes way.
   * @throws ColorwayError `COLORWAY_ENVIRONMENT_EXISTS`, also for a color that differs by case alone;
   * `COLORWAY_POLICY_EXCEEDED` for a longer life, or one more of this owner, than the policy allows.
   */
  async create(color: Color, options: CreateEnvironmentOptions): Promise<Environment> {
    const services = (options.services ?? []).map(parseServiceName);
    const parsed = { color: parseColor(color), owner: parseOwner(options.owner) };
    const createdAt = await this.#now();
    const expiresAt = await this.policy.admit(parsed.color, parsed.owner, options, createdAt);
    const environment = Object.freeze({ ...parsed, createdAt, expiresAt });
    const history = this.#records.history([], { act: 'created', at: createdAt }, options);
    const value = formatEnvironment({ ...environment, ending: false, history });
    await retryConflicts(`Environment ${quote(color)}`, async () => {
      const { created, entry } = await this.#state.create(environmentKey(color), value);
      if (created) {
        publishChange(color, history);
        return true;
      }
      const standing = parseEnvironment(entry);
      if (standing === undefined || !isOver(standing, createdAt)) throw environmentExists(color, standing);
      await endEnvironment(this.#state, standing, entry, createdAt);
      return CONFLICT;
    });
    for (const service of services) await this.declare(service, color);
    return environment;
  }

  /**
   * The environment, made if there is none, and extended if it would end sooner than asked; no longer than the policy allows.
   * @throws ColorwayError `COLORWAY_ENVIRONMENT_EXISTS` for a color that differs from another by case alone;
   * `COLORWAY_POLICY_EXCEEDED` for one more of this owner than the policy allows.
   */
  async ensure(color: Color, options: Omit<CreateEnvironmentOptions, 'services'>): Promise<Environment> {
    const at = await this.#now();
    const expiresAt = await this.policy.bounded(options, at);
    return retryConflicts(`Environment ${quote(color)}`, async () => {
      const found = await this.#records.find(color);
      if (found === undefined || found.stored?.ending) {
        return this.create(color, { ...options, expiresAt }).catch((error: unknown) => {
          if (error instanceof ColorwayError && error.code === 'COLORWAY_ENVIRONMENT_EXISTS') return CONFLICT;
          throw error;
        });
      }
      if (found.stored?.color !== color) throw environmentExists(color, found.stored);
      if (found.stored.expiresAt >= expiresAt) return toEnvironment(found.stored);
      return this.#records.write(
        { ...found.stored, expiresAt },
        found.entry,
        { act: 'prolonged', at },
        options,
      );
    });
  }

  /** `undefined` for one that does not exist, or is being ended. */
  async get(color: Color): Promise<Environment | undefined> {
    const stored = (await this.#records.find(color))?.stored;
    return stored?.color === color && !stored.ending ? toEnvironment(stored) : undefined;
  }

  /**
   * Who did what to an environment, when and why, the oldest first: who made it, and the last 19 changes. It goes with it.
   * @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`; of one that is being ended it is told.
   */
  async history(color: Color): Promise<readonly EnvironmentChange[]> {
    const stored = (await this.#records.find(color))?.stored;
    if (stored?.color !== color) throw environmentUnknown(color, stored);
    return stored.history;
  }

  /** All environments, by color. Those that are being ended, and what cannot be read, are left out. */
  async list(): Promise<readonly Environment[]> {
    const stored = (await this.#state.list(ENVIRONMENT_PREFIX)).map(parseEnvironment);
    return stored
      .filter((read): read is StoredEnvironment => read !== undefined && !read.ending)
      .map(toEnvironment);
  }

  /** Extends an environment that would end sooner than asked; does nothing where there is none. */
  async prolong(color: Color, lifetime: ProlongOptions): Promise<void> {
    const at = await this.#now();
    await this.#records.prolong(color, await this.policy.bounded(lifetime, at), at, lifetime);
  }

  /**
   * Sets the end anew, later or sooner.
   * @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`; `COLORWAY_POLICY_EXCEEDED` for longer than the policy allows.
   */
  async extend(color: Color, lifetime: Lifetime): Promise<Environment> {
    const at = await this.#now();
    const expiresAt = await this.policy.expiry(color, lifetime, at);
    return retryConflicts(`Environment ${quote(color)}`, async () => {
      const { stored, entry } = await this.#records.existing(color);
      return this.#records.write({ ...stored, expiresAt }, entry, { act: 'extended', at }, lifetime);
    });
  }

  /**
   * Ends the environment: its memberships are removed, then its messages leave. `deleted: false` when there
   * was no such environment; what is left of it leaves all the same.
   *
   * @returns also how many messages were given up; 0 for `drain`, and without `wait`.
   */
  async delete(
    color: Color,
    options: LeaveOptions = {},
  ): Promise<{ readonly deleted: boolean; readonly discarded: number }> {
    const { onLeave = 'drain' } = options;
    const now = await this.#now();
    const deleted = await retryConflicts(`Environment ${quote(color)}`, async () => {
      const entry = await this.#state.get(environmentKey(parseColor(color)));
      const stored = entry && parseEnvironment(entry);
      if (stored !== undefined && stored.color !== color) return false;
      if (entry === undefined || stored === undefined) {
        // Nothing to mark: what is left of memberships goes, and a key that cannot be read.
        if (!(await withdrawAll(this.#state, color, entry?.version, now, onLeave))) return CONFLICT;
        return entry === undefined ? false : this.#state.compareAndDelete(entry.key, entry.version);
      }
      return (
        (await endEnvironment(this.#state, stored, entry, now, onLeave, this.#records.note(options))) ||
        CONFLICT
      );
    });
    if (options.wait === false) return { deleted, discarded: 0 };
    return { deleted, discarded: await this.#left(color, undefined, options) };
  }

  /**
   * Declares that the environment contains the service: from now on a call in this color to the service
   * never goes to the baseline (law 2). Declaring again changes nothing.
   * @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`
   */
  async declare(service: string, color: Color): Promise<Membership> {
    const key = membershipKey(parseServiceName(service), parseColor(color));
    const now = await this.#now();
    return retryConflicts(`Membership ${quote(key)}`, async () => {
      const before = await this.#records.existing(color);
      const { entry } = await this.#state.create(key, formatMembership(now, this.#declaredBy));
      const after = await this.#records.existing(color).catch(async (error: unknown) => {
        // Whoever was ending the environment may have been past this membership.
        await this.#state.compareAndDelete(key, entry.version);
        throw error;
      });
      // Another environment of this color: the membership may have gone with the one before.
      if (after.stored.createdAt !== before.stored.createdAt) return CONFLICT;
      return parseMembership(entry) as Membership;
    });
  }

  /**
   * Takes the service out of the environment: its calls go to the baseline again at once, and then its
   * messages. `withdrawn: false` when it was not in it.
   *
   * @returns also how many messages were given up; 0 for `drain`, and without `wait`.
   */
  async withdraw(
    service: string,
    color: Color,
    options: LeaveOptions = {},
  ): Promise<{ readonly withdrawn: boolean; readonly discarded: number }> {
    const { onLeave = 'drain', wait = true } = options;
    parseServiceName(service);
    parseColor(color);
    const now = await this.#now();
    const withdrawn = await withdrawService(this.#state, service, color, onLeave, now);
    if (withdrawn) {
      // It is done; that nobody can read who did it changes nothing.
      await this.#records.remember(service, color, now, options).catch((error: unknown) => {
        this.#reporter.failure(
          'COLORWAY_HISTORY_FAILED',
          `To note that ${quote(service)} was withdrawn`,
          error,
        );
      });
    }
    if (!wait) return { withdrawn, discarded: 0 };
    return { withdrawn, discarded: await this.#left(color, service, options) };
  }

  /** What still leaves of a color, or of one service of it, and what that waits for; also when the environment is gone. */
  async leaving(color: Color, service?: string): Promise<readonly LeaveProgress[]> {
    const entries = await subscriptionEntries(this.#state, parseColor(color), service);
    const now = await this.#now();
    return entries
      .map(parseSubscription)
      .filter((read): read is Subscription => read?.state === 'leaving')
      .map((read) => progressOf(read, 'leaving', now));
  }

  /** What the environment contains, by service. */
  async memberships(color: Color): Promise<readonly Membership[]> {
    const entries = await membershipEntries(this.#state, parseColor(color));
    return entries.map((entry) => parseMembership(entry) as Membership);
  }

  /**
   * Ends the environments that have expired, and finishes those whose end was begun; their messages are
   * drained, unless whoever began it said otherwise, and nobody waits for that. Returns the colors that this
   * call ended; of many processes that sweep, one ends each. One that cannot be ended holds up no other.
   *
   * @param now milliseconds since the epoch. Default: the time by which the environments were made.
   * @throws what the first one that could not be ended failed with, after all others were looked at.
   */
  async endExpired(now?: number): Promise<readonly Color[]> {
    const failures: unknown[] = [];
    const entries = await this.#state.list(ENVIRONMENT_PREFIX);
    const ended = await endExpired(this.#state, now ?? (await this.#now()), entries, (_, error) => {
      if (error !== undefined) failures.push(error);
    });
    if (failures.length > 0) throw failures[0];
    return ended;
  }

  async #left(
    color: Color,
    service: string | undefined,
    { onProgress, signal: own }: LeaveOptions,
  ): Promise<number> {
    const signal = AbortSignal.any([own, this.#signal].filter((end) => end !== undefined));
    const waiting = { onProgress, signal, reporter: this.#reporter };
    return awaitLeft(this.#state, color, service === undefined ? waiting : { ...waiting, service });
  }
}
