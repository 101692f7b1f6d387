import {
  type Color,
  type DirectoryView,
  type Instance,
  MEMBERSHIP_PREFIX,
  PULSE_LOST_MS,
  PULSE_PREFIX,
  parseSubscription,
  pulseKey,
  type StateEntry,
  type StateStore,
  SUBSCRIPTION_PREFIX,
  type Subscription,
  standingWait,
} from '@colorway/core';
import {
  ENVIRONMENT_PREFIX,
  type Environment,
  environmentKey,
  parseEnvironment,
  type StoredEnvironment,
  toEnvironment,
} from './environment.js';
import { parseUsed, USED_PREFIX } from './last-use.js';
import { parseMembership } from './membership.js';

/** An environment and what is in it. Times are milliseconds since the epoch. */
export type EnvironmentOverview = (RecordedEnvironment | UnrecordedEnvironment) & EnvironmentContents;

interface RecordedEnvironment extends Environment {
  readonly recorded: true;
}

/**
 * A color that has no environment, and that routing obeys all the same: memberships that another tool wrote, which nothing
 * ends; or what is alive in the color without being declared, for as long as it is. `environments.create()` of the
 * color takes them in.
 */
interface UnrecordedEnvironment {
  readonly color: Color;
  readonly recorded: false;
  readonly owner: undefined;
  readonly createdAt: undefined;
  readonly expiresAt: undefined;
}

interface EnvironmentContents {
  /** When a request of its color last entered a service, to about a minute; `undefined` for never. */
  readonly lastUsedAt: number | undefined;
  /** By name: what the environment is declared to contain, and what is alive in its color without being declared. */
  readonly services: readonly ServiceOverview[];
  /**
   * Declared services of which nothing is alive, or whose messages nobody handles: a call to them fails now, a message
   * waits.
   */
  readonly missing: readonly string[];
}

/** A service of an environment. */
export interface ServiceOverview {
  readonly service: string;
  /** Whether it is a member. A live instance that is none serves its color, and nobody misses it when it ends. */
  readonly declared: boolean;
  /** `undefined` where it is not declared, or another tool has written the membership without it. */
  readonly declaredAt: number | undefined;
  readonly declaredBy: string | undefined;
  /** How many are alive in this color. */
  readonly instances: number;
  /**
   * When the first of them began to serve, in milliseconds since the epoch, as it says itself; `undefined` where none is
   * alive, or none says.
   */
  readonly aliveSince: number | undefined;
  /** What it consumes, by broker, group and topic. */
  readonly consumes: readonly ConsumedOverview[];
}

/** What a service consumes in a color. Where it is leaving: what that waits for, since when, and what to do. */
export interface ConsumedOverview extends Omit<Subscription, 'service' | 'color'> {
  /** Whether a consumer of it said in the last minute that it is alive. */
  readonly alive: boolean;
}

/**
 * All environments by color, also those that are memberships or living instances alone, with their services and what is
 * alive of them: the state as it stands, joined with a view of the instances.
 * @throws ColorwayError `COLORWAY_DIRECTORY_FAILED`
 */
export async function overviewOf(
  state: StateStore,
  view: DirectoryView,
): Promise<readonly EnvironmentOverview[]> {
  const [environments, memberships, subscriptions, used, pulses] = await Promise.all(
    [ENVIRONMENT_PREFIX, MEMBERSHIP_PREFIX, SUBSCRIPTION_PREFIX, USED_PREFIX, PULSE_PREFIX].map((prefix) =>
      state.list(prefix),
    ),
  );
  const contents = new Contents();
  for (const entry of memberships ?? []) {
    const membership = parseMembership(entry);
    if (membership === undefined) continue;
    const { service, color, declaredAt, declaredBy } = membership;
    Object.assign(contents.service(color, service), { declared: true, declaredAt, declaredBy });
  }
  for (const [service, { colored }] of view.services.entries()) {
    for (const [color, decision] of colored.entries()) {
      if (decision.kind !== 'colored') continue;
      const { instances } = decision;
      const alive = { instances: instances.length, aliveSince: firstOf(instances) };
      Object.assign(contents.service(color, service), alive);
    }
  }
  const beating = new Set((pulses ?? []).filter(isFresh).map(({ key }) => key));
  for (const entry of subscriptions ?? []) {
    const subscription = parseSubscription(entry);
    if (subscription === undefined) continue;
    const { service, color, waitingFor: _, since: __, remedy: ___, ...consumed } = subscription;
    const alive = subscription.state === 'joined' && beating.has(pulseKey(subscription));
    const wait = standingWait(subscription, Date.now());
    const { waitingFor, ...more } = wait ?? {};
    const waits = waitingFor === undefined ? {} : { waitingFor, ...more };
    contents.service(color, service).consumes.push({ ...consumed, ...waits, alive });
  }
  const lastUse = new Map<Color, number>();
  for (const entry of used ?? []) {
    const read = parseUsed(entry);
    if (read !== undefined) lastUse.set(read.color, read.at);
  }
  const stored = (environments ?? [])
    .map(parseEnvironment)
    .filter((read): read is StoredEnvironment => read !== undefined);
  // The memberships of one that is being ended are about to go.
  const recorded = new Set(stored.map(({ color }) => color));
  const all = [
    ...stored
      .filter(({ ending }) => !ending)
      .map((one) => ({ ...toEnvironment(one), recorded: true as const })),
    ...contents.obeyed().flatMap((color) => (recorded.has(color) ? [] : [unrecorded(color)])),
  ];
  return all
    .sort((a, b) => (environmentKey(a.color) < environmentKey(b.color) ? -1 : 1))
    .map((one) => overview(one, lastUse.get(one.color), contents.of(one.color)));
}

function unrecorded(color: Color): UnrecordedEnvironment {
  return { color, recorded: false, owner: undefined, createdAt: undefined, expiresAt: undefined };
}

function overview(
  environment: RecordedEnvironment | UnrecordedEnvironment,
  used: number | undefined,
  services: readonly ServiceOverview[],
): EnvironmentOverview {
  const missing = services
    .filter(({ declared, instances, consumes }) => declared && !isAlive(instances, consumes))
    .map(({ service }) => service);
  // One of an environment that had this color before says nothing of this one.
  const lastUsedAt = used !== undefined && used >= (environment.createdAt ?? 0) ? used : undefined;
  return { ...environment, lastUsedAt, services, missing };
}

/** Something of it is alive, and all that it consumes. What is leaving is missed by nobody. */
function isAlive(instances: number, consumes: readonly ConsumedOverview[]): boolean {
  const joined = consumes.filter(({ state }) => state === 'joined');
  return (instances > 0 || joined.length > 0) && joined.every(({ alive }) => alive);
}

/** Others write records, too, and may leave the time out. */
function firstOf(instances: readonly Instance[]): number | undefined {
  const starts = instances.map(({ startedAt }) => startedAt).filter((at) => at > 0);
  return starts.length === 0 ? undefined : Math.min(...starts);
}

function isFresh({ value }: StateEntry): boolean {
  return Date.now() - Number(value) < PULSE_LOST_MS;
}

type Growing = ServiceOverview & { readonly consumes: ConsumedOverview[] };

/** What is found of services, by color. */
class Contents {
  readonly #byColor = new Map<Color, Map<string, Growing>>();

  service(color: Color, service: string): Growing {
    let services = this.#byColor.get(color);
    if (services === undefined) {
      services = new Map();
      this.#byColor.set(color, services);
    }
    let found = services.get(service);
    if (found === undefined) {
      found = {
        ...{ service, declared: false, declaredAt: undefined, declaredBy: undefined },
        ...{ instances: 0, aliveSince: undefined, consumes: [] },
      };
      services.set(service, found);
    }
    return found;
  }

  /** The colors that have a member, or something alive. What only leaves is none. */
  obeyed(): Color[] {
    const counts = ({ declared, instances, consumes }: ServiceOverview) =>
      declared || instances > 0 || consumes.some(({ alive }) => alive);
    return [...this.#byColor.keys()].filter((color) => this.of(color).some(counts));
  }

  of(color: Color): ServiceOverview[] {
    const services = [...(this.#byColor.get(color)?.values() ?? [])];
    return services.sort((a, b) => (a.service < b.service ? -1 : 1));
  }
}
