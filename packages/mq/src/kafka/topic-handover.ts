import { type Color, ColorwayError, count, type StateStore, type Watch, warnOnce } from '@colorway/core';
import { FenceStore } from '../ownership/fence-store.js';
import type { FenceTable } from '../ownership/fences.js';
import { encodeFence, encodeHandover, parseHandover } from '../ownership/handover-codec.js';
import { type FenceKind, fenceKey, stateKey } from '../ownership/handover-keys.js';
import { type Handover, NEVER_JOINED, type Transition } from '../ownership/handover-state.js';

export interface TopicHandoverOptions {
  readonly state: StateStore;
  /** The baseline's group. */
  readonly group: string;
  readonly topic: string;
  readonly coloredGroup: (color: Color) => string;
  /** This process, as its fences and claims name it. */
  readonly by: string;
}

/** The hand-over of one (group, topic) in the directory: what is known of it, and how to change it. */
export class TopicHandover {
  readonly group: string;
  readonly topic: string;
  readonly by: string;
  readonly coloredGroup: (color: Color) => string;
  readonly #state: StateStore;
  readonly #store: FenceStore;
  readonly #listeners = new Set<() => void>();
  readonly #unrefreshed: FenceTable;
  #watch: Watch | undefined;
  #table: FenceTable;
  #reading: Promise<void> | undefined;
  #readNext: Promise<void> | undefined;

  constructor({ state, group, topic, coloredGroup, by }: TopicHandoverOptions) {
    this.group = group;
    this.topic = topic;
    this.by = by;
    this.coloredGroup = coloredGroup;
    this.#state = state;
    this.#store = new FenceStore({
      group,
      topic,
      coloredGroup,
      onUnreadable: (why) => warnOnce('COLORWAY_HANDOVER_UNREADABLE', `The directory key ${why}`, why),
    });
    this.#table = this.#store.current();
    this.#unrefreshed = this.#store.unrefreshed();
  }

  /** What is known now; immutable. */
  get table(): FenceTable {
    return this.#table;
  }

  /** For partitions whose view was not refreshed since they were assigned. */
  get unrefreshed(): FenceTable {
    return this.#unrefreshed;
  }

  open(): void {
    this.#watch ??= this.#state.watch(this.#store.prefix, {
      next: (change) => {
        this.#store.apply(change);
        this.#changed();
      },
      current: () => {},
      // The last view serves; what needs the directory asks it, and says that it waits.
      error: () => {},
    });
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#listeners.clear();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the directory, linearizable, in a call that begins after this one. */
  refresh(): Promise<void> {
    if (this.#reading === undefined) {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
      return this.#reading;
    }
    this.#readNext ??= this.#reading
      .catch(() => {})
      .then(() => {
        this.#readNext = undefined;
        return this.refresh();
      });
    return this.#readNext;
  }

  /** Creates the fence if there is none. Whatever stands then is known afterwards. */
  async createFence(
    color: Color,
    epoch: number,
    fence: FenceKind,
    partition: number,
    offset: bigint,
  ): Promise<void> {
    const key = fenceKey(this.#store.prefix, color, epoch, fence, partition);
    const { created, entry } = await this.#state.create(key, encodeFence(offset, this.by));
    this.#store.add(entry);
    if (created) this.#counted(color, `${fence}-fence`);
    this.#changed();
  }

  /** Changes the state of a color by compare-and-set; `change` is asked again when somebody else was faster. */
  async transition(color: Color, change: (state: Handover) => Transition): Promise<Transition> {
    const key = stateKey(this.#store.prefix, color);
    const names = { group: this.group, topic: this.topic };
    for (let attempt = 0; attempt < 40; attempt++) {
      const standing = await this.#state.get(key);
      const state = standing === undefined ? NEVER_JOINED : parseHandover(standing.value);
      if (standing !== undefined) this.#store.add(standing);
      if (state.kind === 'unreadable') {
        throw new ColorwayError(
          'COLORWAY_DIRECTORY_FAILED',
          `The directory key ${JSON.stringify(key)} cannot be read: ${state.why}. A newer version may have written it; upgrade this one.`,
        );
      }
      const result = change(state);
      if (result.kind === 'refused') return result;
      const value = encodeHandover(result.state, names);
      const written =
        standing === undefined
          ? await this.#state.create(key, value).then(({ created, entry }) => (created ? entry : undefined))
          : await this.#state.compareAndSet(key, value, standing.version);
      if (written === undefined) continue;
      this.#store.add(written);
      this.#counted(color, result.state.kind);
      this.#changed();
      return result;
    }
    throw new ColorwayError(
      'COLORWAY_CONFLICT',
      `The directory key ${JSON.stringify(key)} changed 40 times while it was written.`,
    );
  }

  async #read(): Promise<void> {
    this.#store.refresh(await this.#state.list(this.#store.prefix));
    this.#changed();
  }

  #changed(): void {
    const table = this.#store.current();
    if (table === this.#table) return;
    this.#table = table;
    for (const listener of [...this.#listeners]) listener();
  }

  #counted(color: Color, step: string): void {
    const { group, topic } = this;
    count('coloring.mq.handover', {
      'coloring.group': group,
      'coloring.topic': topic,
      'coloring.color': color,
      'coloring.step': step,
    });
  }
}
