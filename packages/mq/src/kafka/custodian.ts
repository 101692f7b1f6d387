import type { Color } from '@colorway/core';
import { nextStepForEmptyGroup } from '../ownership/empty-group-step.js';
import { type EpochStep, type Left, nextEpochStep } from '../ownership/epoch-step.js';
import { handoverHere } from '../ownership/fences.js';
import {
  activate,
  claimClosing,
  close,
  type Handover,
  type OnLeave,
  startDraining,
} from '../ownership/handover-state.js';
import type { GroupAdmin } from './group-admin.js';
import type { MqRuntime } from './mq-runtime.js';
import type { TopicHandover } from './topic-handover.js';
import { TopicUpkeep } from './topic-upkeep.js';

/** How often the broker is asked while something is under way that it does not tell of. */
const PENDING_MS = 250;
/** A closer that was not heard of for so long is taken to be dead. */
const CLOSER_MS = 30_000;

export interface CustodianOptions {
  readonly runtime: MqRuntime;
  readonly handover: TopicHandover;
  readonly admin: GroupAdmin;
  /** Where a baseline group without a committed offset would start. */
  readonly fromBeginning: boolean;
  /** Messages are left below the leave fences, and the colored group has no members. */
  readonly drain?: (color: Color, onLeave: OnLeave, left: readonly Left[]) => void;
  /** A color that is active and needs a look all the same: a partition of it waits for its join fence. */
  readonly attention?: (color: Color) => boolean;
}

/**
 * The work that belongs to no member: changes of state, and fences of groups without members. Every process
 * does it for the topics that it reads, several at once: the directory lets one through.
 */
export class Custodian {
  readonly #options: CustodianOptions;
  readonly #closers = new Map<string, number>();
  readonly #listeners = new Set<(color: Color, step: EpochStep) => void>();
  #timer: NodeJS.Timeout | undefined;
  readonly #upkeep: TopicUpkeep;
  #working = false;
  #again = false;
  #unlisten: (() => void) | undefined;

  constructor(options: CustodianOptions) {
    this.#options = options;
    this.#upkeep = new TopicUpkeep(options);
  }

  start(): void {
    this.#unlisten = this.#options.handover.onChange(() => this.look());
    this.look();
  }

  stop(): void {
    this.#unlisten?.();
    this.#unlisten = undefined;
    clearTimeout(this.#timer);
  }

  /** Tells the listener of each look at a color that is under way. Returns how to stop that. */
  onStep(listener: (color: Color, step: EpochStep) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  look(): void {
    this.#again = true;
    if (this.#working || !this.#running) return;
    this.#working = true;
    void this.#work();
  }

  get #running(): boolean {
    return this.#unlisten !== undefined;
  }

  async #work(): Promise<void> {
    let pending = false;
    try {
      while (this.#again && this.#running) {
        this.#again = false;
        const colors = this.#pending();
        pending = colors.length > 0;
        if (!pending) continue;
        const { handover } = this.#options;
        // One reads what concerns it. So many that a read of all is less, read all.
        if (colors.length > 4) await handover.refresh();
        for (const color of colors) {
          if (colors.length <= 4) await handover.refreshColor(color);
          await this.#tend(color);
        }
      }
      if (this.#running) await this.#upkeep.work();
    } catch {
      // The broker or the directory is away, or refused: it is asked again.
      pending = true;
    } finally {
      this.#working = false;
    }
    clearTimeout(this.#timer);
    if (this.#again) return this.look();
    if (!this.#running) return;
    const wait = Math.max(PENDING_MS, pending ? 0 : this.#upkeep.dueInMs);
    this.#timer = setTimeout(() => this.look(), wait).unref();
  }

  #pending(): Color[] {
    const { handover, attention } = this.#options;
    const found: Color[] = [];
    for (const [color, { handover: state }] of handover.table.colors) {
      const { kind } = state;
      if (kind === 'joining' || kind === 'leaving' || kind === 'draining') found.push(color);
      else if (kind === 'active' && attention?.(color)) found.push(color);
    }
    return found;
  }

  async #tend(color: Color): Promise<void> {
    const { handover, admin } = this.#options;
    const partitions = await admin.partitions(handover.topic);
    await this.#fenceForEmptyGroups(color, partitions);
    const step = await this.#epochStep(color, partitions);
    for (const listener of [...this.#listeners]) listener(color, step);
    await this.#take(color, step);
  }

  async #fenceForEmptyGroups(color: Color, partitions: readonly number[]): Promise<void> {
    const { handover, admin, fromBeginning } = this.#options;
    const { topic } = handover;
    for (const group of ['baseline', 'colored'] as const) {
      const asks = partitions.map((partition) =>
        nextStepForEmptyGroup({ here: handoverHere(handover.table, color, partition), evidence: undefined }),
      );
      const ask = asks.find((step) => step.kind === 'see-group-empty' && step.group === group);
      if (ask?.kind !== 'see-group-empty') continue;
      const id = group === 'baseline' ? handover.group : handover.coloredGroup(color);
      // In this order: the state is known, then the group is seen empty, then its offsets are read.
      if (await admin.hasMembers(id, topic)) continue;
      const committed = await admin.committed(id, topic);
      const starts =
        group === 'baseline' ? await admin.starts(topic, fromBeginning) : new Map<number, bigint>();
      for (const partition of partitions) {
        const offset = committed.get(partition) ?? starts.get(partition);
        const step = nextStepForEmptyGroup({
          here: handoverHere(handover.table, color, partition),
          evidence: { group, known: ask.known, committed: offset },
        });
        if (step.kind === 'none' || step.kind === 'see-group-empty' || step.kind === 'refresh-view') continue;
        const fence =
          step.kind === 'create-join-fence' ? 'join' : step.kind === 'create-stop-fence' ? 'stop' : 'leave';
        await handover.createFence(color, step.epoch, fence, partition, step.offset);
      }
    }
  }

  async #epochStep(color: Color, partitions: readonly number[]): Promise<EpochStep> {
    const { handover, admin, runtime } = this.#options;
    const fences = handover.table;
    const state = fences.colors.get(color)?.handover;
    const draining = state?.kind === 'draining';
    const group = handover.coloredGroup(color);
    const offsets = draining ? await admin.committed(group, handover.topic) : new Map<number, bigint>();
    const members = draining && (await admin.hasMembers(group, handover.topic));
    const shared = draining && (await this.#isShared(color));
    return nextEpochStep({
      fences,
      color,
      partitions,
      committed: (partition) => offsets.get(partition),
      members: () => members,
      shared: () => shared,
      closer: runtime.by,
    });
  }

  async #take(color: Color, step: EpochStep): Promise<void> {
    const { handover, runtime, drain } = this.#options;
    const { by } = runtime;
    const state = handover.table.colors.get(color)?.handover;
    switch (step.kind) {
      case 'none':
        return;
      case 'activate':
        await handover.transition(color, (standing) => activate(standing, step.epoch));
        return;
      case 'start-draining':
        await handover.transition(color, (standing) => startDraining(standing, step.epoch));
        return;
      case 'drain':
        if (step.by === 'baseline' && state?.kind === 'draining') drain?.(color, state.onLeave, step.left);
        return;
      case 'claim-closing':
        await handover.transition(color, (standing) => claimClosing(standing, step.epoch, by));
        return;
      case 'delete-group-and-close':
        return this.#close(color, step.epoch);
      case 'wait':
        if (step.for === 'other-closer') await this.#replaceCloser(color, state);
        return;
    }
  }

  /**
   * A broker deletes a group with all its offsets, those of other topics too: so it is deleted when no other
   * topic of the group needs it. Not to delete it is safe: its offsets are not behind the leave fence, and the
   * next join fence is not before that.
   */
  async #close(color: Color, epoch: number): Promise<void> {
    const { handover, runtime, admin } = this.#options;
    const { by } = runtime;
    const siblings = await runtime.siblings(handover.group, handover.topic, color);
    const unclaimed = ({ kind, ...rest }: Handover): boolean =>
      kind === 'leaving' || (kind === 'draining' && !('closer' in rest));
    if (siblings.some(unclaimed)) return;
    const needed = siblings.some(
      (state) =>
        state.kind === 'joining' ||
        state.kind === 'active' ||
        (state.kind === 'draining' && state.closer !== by),
    );
    if (!needed) await admin.deleteGroup(handover.coloredGroup(color));
    await handover.transition(color, (standing) => close(standing, epoch, by));
    await this.#upkeep.left(color);
  }

  /** Other topics of the group have the color still: its consumers stay, and so does the broker's group. */
  async #isShared(color: Color): Promise<boolean> {
    const { handover, runtime } = this.#options;
    const siblings = await runtime.siblings(handover.group, handover.topic, color);
    return siblings.some(({ kind }) => kind === 'joining' || kind === 'active');
  }

  async #replaceCloser(color: Color, state: { readonly kind: string } | undefined): Promise<void> {
    const { handover, runtime } = this.#options;
    if (state?.kind !== 'draining') return;
    const { closer, epoch } = state as Extract<Handover, { kind: 'draining' }>;
    if (closer === undefined) return;
    const mark = `${color} ${epoch} ${closer}`;
    const since = this.#closers.get(mark);
    if (since === undefined) this.#closers.set(mark, performance.now());
    else if (performance.now() - since > CLOSER_MS) {
      await handover.transition(color, (standing) => claimClosing(standing, epoch, runtime.by, closer));
    }
  }
}
