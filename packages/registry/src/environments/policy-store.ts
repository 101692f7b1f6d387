import { type Color, quote, type StateStore } from '@colorway/core';
import { CONFLICT, type Reporter, retryConflicts } from '@colorway/core/background';
import { ENVIRONMENT_PREFIX } from './environment.js';
import type { ChangeNote } from './environment-history.js';
import type { Lifetime } from './environment-options.js';
import {
  changedPolicy,
  NO_POLICY,
  POLICY_KEY,
  type PolicyBounds,
  type PolicyOverview,
  parsePolicy,
} from './policy.js';
import { allowedExpiry, boundedExpiry, checkOwner } from './policy-checks.js';

/** The bounds of a directory, kept in its state: what all who share it keep to. */
export class PolicyStore {
  readonly #state: StateStore;
  readonly #changedBy: string;
  readonly #now: () => number | Promise<number>;
  readonly #reporter: Reporter;

  constructor(state: StateStore, changedBy: string, now: () => number | Promise<number>, reporter: Reporter) {
    this.#state = state;
    this.#changedBy = changedBy;
    this.#now = now;
    this.#reporter = reporter;
  }

  /**
   * The policy as it stands now. One that cannot be read is reported once, and bounds nothing.
   * @throws ColorwayError `COLORWAY_DIRECTORY_FAILED`
   */
  async get(): Promise<PolicyOverview> {
    return readPolicy(this.#state, this.#reporter);
  }

  /**
   * Sets some of its bounds, and leaves the others as they are. What exists already stays: bounds count for what is made or
   * extended from now on, and for weights at once, to about a minute.
   * @throws ColorwayError `COLORWAY_INVALID_OPTION` for a bound that is none; `COLORWAY_DIRECTORY_FAILED`
   */
  async set(
    bounds: PolicyBounds,
    { by = this.#changedBy, reason }: ChangeNote = {},
  ): Promise<PolicyOverview> {
    const note = { by, ...(reason !== undefined && { reason }) };
    const at = await this.#now();
    return retryConflicts('The policy', async () => {
      const standing = await this.#state.get(POLICY_KEY);
      const { text, policy } = changedPolicy(standing?.value, bounds, at, note);
      const isWritten =
        standing === undefined
          ? (await this.#state.create(POLICY_KEY, text)).created
          : (await this.#state.compareAndSet(POLICY_KEY, text, standing.version)) !== undefined;
      return isWritten ? policy : CONFLICT;
    });
  }

  /**
   * When an environment ends that this owner makes now.
   * @throws ColorwayError `COLORWAY_POLICY_EXCEEDED`
   * @internal
   */
  async admit(color: Color, owner: string, lifetime: Lifetime, now: number): Promise<number> {
    const policy = await this.get();
    const expiresAt = allowedExpiry(color, lifetime, now, policy);
    if (policy.bounds.maxEnvironmentsPerOwner !== undefined)
      checkOwner(color, owner, await this.#state.list(ENVIRONMENT_PREFIX), now, policy);
    return expiresAt;
  }

  /**
   * When an environment ends that somebody extends now.
   * @throws ColorwayError `COLORWAY_POLICY_EXCEEDED`
   * @internal
   */
  async expiry(color: Color, lifetime: Lifetime, now: number): Promise<number> {
    return allowedExpiry(color, lifetime, now, await this.get());
  }

  /**
   * When an environment ends that goes on by itself.
   * @internal
   */
  async bounded(lifetime: Lifetime, now: number): Promise<number> {
    return boundedExpiry(lifetime, now, await this.get());
  }
}

/** @throws ColorwayError `COLORWAY_DIRECTORY_FAILED` */
export async function readPolicy(state: StateStore, reporter: Reporter): Promise<PolicyOverview> {
  const entry = await state.get(POLICY_KEY);
  const policy = entry === undefined ? NO_POLICY : parsePolicy(entry.value);
  if (!policy.readable) {
    reporter.once(
      'COLORWAY_POLICY_UNREADABLE',
      `The directory key ${quote(POLICY_KEY)} does not hold a policy: nothing is bounded. Set it anew: colorway policy set.`,
    );
  }
  return policy;
}
