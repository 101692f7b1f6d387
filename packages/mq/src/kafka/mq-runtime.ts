import { randomBytes } from 'node:crypto';
import { type Color, type Coloring, ColorwayError, type StateStore } from '@colorway/core';
import { parseHandover } from '../ownership/handover-codec.js';
import { handoverPrefix, parseHandoverKey } from '../ownership/handover-keys.js';
import type { Handover } from '../ownership/handover-state.js';
import { coloredGroup, groupNameKey, groupProblem } from './colored-group.js';
import type { ConsumerStatus } from './consumer-status.js';
import { TopicHandover } from './topic-handover.js';

/** What the consumers of one coloring share: one view of each (group, topic), however many read it. */
export class MqRuntime {
  readonly state: StateStore;
  /** This process, as its fences and claims name it. */
  readonly by: string;
  readonly consumers = new Set<() => ConsumerStatus>();
  readonly #groups = new Map<string, number>();
  readonly #handovers = new Map<string, { readonly handover: TopicHandover; users: number }>();

  constructor(coloring: Coloring, state: StateStore) {
    this.state = state;
    this.by = `${coloring.service}-${process.pid}-${randomBytes(4).toString('hex')}`;
  }

  get handovers(): TopicHandover[] {
    return Array.from(this.#handovers.values(), ({ handover }) => handover);
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

  /** The same across processes: the first group of a name keeps it. */
  async claimGroupName(group: string): Promise<void> {
    const { entry } = await this.state.create(groupNameKey(group), JSON.stringify({ group }));
    const { group: other } = JSON.parse(entry.value) as { group?: unknown };
    const problem = typeof other === 'string' && other !== group ? groupProblem([group, other]) : undefined;
    if (problem !== undefined) throw problem;
  }

  useHandover(
    group: string,
    topic: string,
  ): { readonly handover: TopicHandover; readonly release: () => void } {
    const key = handoverPrefix(group, topic);
    let shared = this.#handovers.get(key);
    if (shared === undefined) {
      const { state, by } = this;
      const handover = new TopicHandover({
        state,
        group,
        topic,
        by,
        coloredGroup: (color) => coloredGroup(group, color),
      });
      handover.open();
      shared = { handover, users: 0 };
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
      handover.close();
    };
    return { handover, release };
  }

  /** Where a color stands in the other topics of a group, which share the colored group at the broker. Linearizable. */
  async siblings(group: string, topic: string, color: Color): Promise<Handover[]> {
    const own = handoverPrefix(group, topic);
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
