import { randomBytes } from 'node:crypto';
import {
  type Color,
  type Coloring,
  ColorwayError,
  type MqBoard,
  parseSubscription,
  type StateStore,
  subscriptionPrefix,
} from '@colorway/core';
import { updateEntry, withTimeLimit } from '@colorway/core/background';
import { parseHandover } from '../ownership/handover-codec.js';
import { handoverPrefix, parseHandoverKey, stateKey } from '../ownership/handover-keys.js';
import type { Handover } from '../ownership/handover-state.js';
import { coloredGroup, colorOfGroup, groupNameKey, groupProblem } from './colored-group.js';
import type { GroupAdmin } from './group-admin.js';
import { claimOf, groupMark, newMark } from './handover/group-mark.js';
import { handoverStatus } from './handover/handover-status.js';
import { TopicHandover } from './handover/topic-handover.js';

/** What the consumers of one coloring share: one view of each (group, topic), however many read it. */
export class MqRuntime {
  readonly state: StateStore;
  /** This process, as its fences and claims name it. */
  readonly by: string;
  readonly #service: string;
  readonly #board: MqBoard;
  readonly #scope: Coloring['scope'];
  readonly #groups = new Map<string, number>();
  /** By group, the cluster that had the name first. */
  readonly #firstClusters = new Map<string, string>();
  readonly #handovers = new Map<
    string,
    { readonly handover: TopicHandover; readonly unlist: () => void; users: number }
  >();

  constructor(coloring: Coloring, state: StateStore) {
    this.state = withTimeLimit(state, coloring.directoryTimeoutMs);
    this.#service = coloring.service;
    this.#board = coloring.mq;
    this.#scope = coloring.scope;
    this.by = `${coloring.service}-${process.pid}-${randomBytes(4).toString('hex')}`;
  }

  /** @throws ColorwayError `COLORWAY_GROUP_NAME` for a group that would share its name in a color with another one. */
  useGroup(group: string): () => void {
    const problem = groupProblem([group, ...this.#groups.keys()]);
    if (problem !== undefined) throw problem;
    this.#groups.set(group, (this.#groups.get(group) ?? 0) + 1);
    return () => {
      const users = (this.#groups.get(group) ?? 1) - 1;
      if (users === 0) this.#groups.delete(group);
      else this.#groups.set(group, users);
    };
  }

  /**
   * The same across processes: the first group of a name keeps it. And no group may be what another one is called
   * in a color that exists.
   *
   * @param exists whether there is an environment of that color.
   */
  async claimGroupName(group: string, color: Color | undefined, exists: Exists): Promise<void> {
    const { entry } = await this.state.create(groupNameKey(group), JSON.stringify({ group, ...newMark() }));
    const other = groupIn(entry.value);
    const problem = other !== undefined && other !== group ? groupProblem([group, other]) : undefined;
    if (problem !== undefined) throw problem;
    const named = colorOfGroup(group);
    const twins = (named?.groups ?? []).map((twin) => ({ twin, in: named?.color ?? '' }));
    if (color !== undefined) twins.push({ twin: coloredGroup(group, color), in: color });
    for (const { twin, in: of } of twins) {
      if (!(await this.#isClaimed(twin))) continue;
      const clash = groupProblem([group, twin], of);
      if (clash !== undefined && (await exists(of))) throw clash;
    }
  }

  /**
   * Two clusters may have groups and topics of the same names. The first one has the plain keys, which versions
   * before this one have too; others have keys with their id.
   *
   * @returns the id of the cluster that the keys of the group need; `undefined` for the first one, and where the client does not tell.
   */
  async clusterOf(group: string, admin: GroupAdmin): Promise<string | undefined> {
    const cluster = await admin.clusterId();
    if (cluster === undefined) return undefined;
    const { result: first } = await updateEntry(this.state, groupNameKey(group), (standing) => {
      const claim = standing === undefined ? { group, ...newMark() } : claimOf(standing.value);
      // Somebody else wrote it. It is left alone, and the keys are told apart.
      if (claim === undefined) return { kind: 'keep', result: undefined };
      if (typeof claim.cluster === 'string') return { kind: 'keep', result: claim.cluster };
      return { kind: 'put', value: JSON.stringify({ ...claim, cluster }), result: cluster };
    });
    if (first !== undefined) this.#firstClusters.set(group, first);
    return first === cluster ? undefined : cluster;
  }

  async #isClaimed(group: string): Promise<boolean> {
    const entry = await this.state.get(groupNameKey(group));
    return entry !== undefined && groupIn(entry.value) === group;
  }

  /** @param cluster see {@link clusterOf} */
  useHandover(
    group: string,
    topic: string,
    cluster?: string,
  ): { readonly handover: TopicHandover; readonly release: () => void } {
    const key = handoverPrefix(group, topic, cluster);
    let shared = this.#handovers.get(key);
    if (shared === undefined) {
      const { state, by } = this;
      const handover = new TopicHandover({
        state,
        group,
        topic,
        cluster,
        by,
        coloredGroup: (color) => coloredGroup(group, color),
        mark: groupMark(state, group, () => this.#firstClusters.get(group)),
        scope: this.#scope,
      });
      handover.open();
      const unlist = this.#board.add(() => ({ handovers: handoverStatus(handover) }));
      shared = { handover, users: 0, unlist };
      this.#handovers.set(key, shared);
    }
    const { handover } = shared;
    shared.users++;
    let used = true;
    const release = (): void => {
      if (!used) return;
      used = false;
      const standing = this.#handovers.get(key);
      if (standing === undefined || --standing.users > 0) return;
      this.#handovers.delete(key);
      standing.unlist();
      handover.close();
    };
    return { handover, release };
  }

  /**
   * Where a color stands in the topics that this service consumes with a group. Linearizable. A record of each stands
   * before the color joins there, and for as long as anything is left.
   *
   * Enough for who joins: another service's part of the group is not told, and may begin to leave right after it was asked
   * for, too. Whoever ends that looks at all topics before it deletes the group at the broker.
   */
  async consumed({ group, cluster }: TopicHandover, color: Color): Promise<Handover[]> {
    const records = await this.state.list(subscriptionPrefix(this.#service, color));
    const topics = records.flatMap((record) => {
      const read = parseSubscription(record);
      return read?.broker === 'kafka' && read.group === group ? (read.topic ?? []) : [];
    });
    const found: Handover[] = [];
    for (const topic of new Set(topics)) {
      const entry = await this.state.get(stateKey(handoverPrefix(group, topic, cluster), color));
      const state = entry && parseHandover(entry.value);
      if (state !== undefined && state.kind !== 'unreadable') found.push(state);
    }
    return found;
  }

  /** Where a color stands in the other topics of a group, which share the colored group at the broker. Linearizable. */
  async siblings({ prefix: own }: TopicHandover, color: Color): Promise<Handover[]> {
    const all = `${own.split('/').slice(0, 2).join('/')}/`;
    const found: Handover[] = [];
    for (const { key, value } of await this.state.list(all)) {
      if (key.startsWith(own)) continue;
      const parsed = parseHandoverKey(`${key.split('/').slice(0, 3).join('/')}/`, key);
      if (parsed?.kind !== 'state' || parsed.color !== color) continue;
      const state = parseHandover(value);
      if (state.kind !== 'unreadable') found.push(state);
    }
    return found;
  }
}

type Exists = (color: Color) => Promise<boolean>;

function groupIn(value: string): string | undefined {
  const { group } = claimOf(value) ?? {};
  return typeof group === 'string' ? group : undefined;
}

const RUNTIMES = Symbol.for('colorway.mq.kafka.1');

/** One for each coloring, also where this package is loaded twice. @throws ColorwayError `COLORWAY_STATE_MISSING` */
export function runtimeOf(coloring: Coloring): MqRuntime {
  const { state } = coloring.directory;
  if (state === undefined) {
    throw new ColorwayError(
      'COLORWAY_STATE_MISSING',
      'The directory has no state half, and the hand-over of messages is kept there. Use composeDirectory({ instances, state }).',
    );
  }
  const globals = globalThis as { [RUNTIMES]?: WeakMap<Coloring, MqRuntime> };
  globals[RUNTIMES] ??= new WeakMap();
  let runtime = globals[RUNTIMES].get(coloring);
  if (runtime === undefined) {
    runtime = new MqRuntime(coloring, state);
    globals[RUNTIMES].set(coloring, runtime);
  }
  return runtime;
}
