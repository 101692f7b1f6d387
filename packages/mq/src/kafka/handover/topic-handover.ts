import { type Color, ColorwayError, type StateEntry, type StateStore, type Watch } from '@colorway/core';
import { type Scope, updateEntry } from '@colorway/core/background';
import { FenceStore } from '../../ownership/fence-store.js';
import type { FenceTable } from '../../ownership/fences.js';
import { fold } from '../../ownership/fold.js';
import { encodeFence, encodeHandover, parseHandover } from '../../ownership/handover-codec.js';
import { type FenceKind, fenceKey, parseHandoverKey, stateKey } from '../../ownership/handover-keys.js';
import {
  compareHandovers,
  type Handover,
  isFolded,
  NEVER_JOINED,
  type Transition,
} from '../../ownership/handover-state.js';
import type { GroupMark } from './group-mark.js';
import { HandoverMemory } from './handover-memory.js';
import { countStep, lostMessage, unreadableEntry, warnUnreadable } from './handover-messages.js';
import { NobodysEntries } from './nobodys-entries.js';
import { SharedReads } from './shared-reads.js';

type Change = (state: Handover, now: number) => Transition | Promise<Transition>;

/** More colors than these are asked for by one read of all. */
const MANY = 4;
/** So often a read finds that the directory was emptied, while what was in it is put back. */
const RESTORES = 3;

export interface TopicHandoverOptions {
  readonly state: StateStore;
  /** The baseline's group. */
  readonly group: string;
  readonly topic: string;
  /** Where another cluster has a group of this name. */
  readonly cluster?: string | undefined;
  readonly coloredGroup: (color: Color) => string;
  /** This process, as its fences and claims name it. */
  readonly by: string;
  /** Tells whether the directory is the one of before. */
  readonly mark: GroupMark;
  /** Its signal ends what waits; it hears what is to be told. */
  readonly scope: Pick<Scope, 'signal' | 'reporter'>;
}

/** The hand-over of one (group, topic) in the directory: what is known of it, and how to change it. */
export class TopicHandover {
  readonly group: string;
  readonly topic: string;
  readonly cluster: string | undefined;
  readonly by: string;
  readonly coloredGroup: (color: Color) => string;
  readonly #state: StateStore;
  readonly #store: FenceStore;
  readonly #memory: HandoverMemory;
  readonly #nobodys: NobodysEntries;
  readonly #listeners = new Set<() => void>();
  readonly #unrefreshed: FenceTable;
  #watch: Watch | undefined;
  #blind = false;
  /** When all of it was read last. */
  #readAt = Number.NEGATIVE_INFINITY;
  #table: FenceTable;
  /** By color; `undefined` for all of them. */
  readonly #reads = new SharedReads<Color | undefined, readonly StateEntry[]>(() => this.#settleDoubts());

  constructor({ state, group, topic, cluster, coloredGroup, by, mark, scope }: TopicHandoverOptions) {
    this.group = group;
    this.topic = topic;
    this.cluster = cluster;
    this.by = by;
    this.coloredGroup = coloredGroup;
    this.#state = state;
    this.#store = new FenceStore({
      ...{ group, topic, cluster, coloredGroup },
      onUnreadable: warnUnreadable,
    });
    this.#memory = new HandoverMemory({
      ...{ state, store: this.#store, mark, by, names: { group, topic }, signal: scope.signal },
      onRestored: () =>
        scope.reporter.once('COLORWAY_HANDOVER_LOST', lostMessage(group, topic), `${group} ${topic}`),
    });
    this.#nobodys = new NobodysEntries(state, this.#store.prefix);
    this.#table = this.#store.current();
    this.#unrefreshed = this.#store.unrefreshed();
  }

  /** What all its keys begin with. */
  get prefix(): string {
    return this.#store.prefix;
  }

  /** What is known now; immutable. */
  get table(): FenceTable {
    return this.#table;
  }

  /** The watch has failed, and tells nothing of what changes. */
  get isBlind(): boolean {
    return this.#blind;
  }

  /** For partitions whose view was not refreshed since they were assigned. */
  get unrefreshed(): FenceTable {
    return this.#unrefreshed;
  }

  open(): void {
    this.#watch ??= this.#state.watch(this.#store.prefix, {
      next: (change) => {
        this.#blind = false;
        this.#store.apply(change);
        this.#changed();
      },
      current: () => {
        this.#blind = false;
      },
      // The last view serves; what needs the directory asks it, and says that it waits.
      error: () => {
        this.#blind = true;
      },
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

  /** Colors that have left, or have fences that count no more, as far as is known: there may be something to delete. */
  get over(): Color[] {
    const absent = [...this.#table.colors.values()].filter(({ handover }) => handover.kind === 'absent');
    return [...new Set([...absent.map(({ color }) => color), ...this.#store.leftovers.colors])];
  }

  /** Colors of which a watch told what it cannot prove, and nobody has answered yet. */
  get doubtful(): Color[] {
    return this.#store.doubtful();
  }

  /** Reads what stands of one color, linearizable, in a call that begins after this one; without one, of all. */
  async refresh(color?: Color): Promise<void> {
    await this.list(color);
  }

  /** The same for several. */
  async refreshEach(colors: readonly Color[]): Promise<void> {
    await this.listEach(colors);
  }

  /** All of it was read not longer ago than this, or a read of it is under way; else it is read. */
  async readWithin(ms: number): Promise<void> {
    if (performance.now() - this.#readAt > ms) await (this.#reads.underWay(undefined) ?? this.list());
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
    const reading = this.#store.begin();
    const { created, entry } = await this.#state
      .create(key, encodeFence(offset, this.by))
      .finally(() => this.#store.end(reading));
    this.#store.add(entry, reading);
    if (created) countStep(this, color, `${fence}-fence`);
    this.#changed();
  }

  /**
   * Changes the state of a color by compare-and-set; `change` is asked again when somebody else was faster, with
   * the time now for the number of a new epoch. An epoch that this ends is folded into the state that is written.
   *
   * @throws ColorwayError `COLORWAY_DIRECTORY_FAILED` for an entry that cannot be read, `COLORWAY_CONFLICT`
   */
  async transition(color: Color, change: Change): Promise<Transition> {
    // Asked again at most once: what is missing was put back, or is known to be over.
    const changed = await this.#change(color, change, true);
    return changed === 'emptied' ? ((await this.#change(color, change, false)) as Transition) : changed;
  }

  async #change(color: Color, change: Change, looks: boolean): Promise<Transition | 'emptied'> {
    const key = stateKey(this.#store.prefix, color);
    await this.#memory.mark();
    let reading = this.#store.begin();
    let isStep = false;
    try {
      type Result = Transition | 'emptied';
      const { result, entry, written } = await updateEntry<Result>(this.#state, key, async (standing) => {
        const answer = this.#store.answer(standing === undefined ? [] : [standing], reading);
        if (looks && this.#store.lacksKnown(answer, color)) {
          await this.refresh(color);
          return { kind: 'keep', result: 'emptied' };
        }
        if (standing === undefined) this.#store.end(reading);
        else this.#store.add(standing, reading);
        let state = standing === undefined ? NEVER_JOINED : parseHandover(standing.value);
        if (state.kind === 'unreadable') throw unreadableEntry(key, state);
        if (state.kind === 'absent') state = await this.#folded(color, state);
        const result = await change(state, Date.now());
        reading = this.#store.begin();
        if (result.kind === 'refused') return { kind: 'keep', result };
        isStep = compareHandovers(result.state, state) !== 0;
        const next = result.state.kind === 'absent' ? await this.#folded(color, result.state) : result.state;
        return {
          kind: 'put',
          value: encodeHandover(next, { group: this.group, topic: this.topic }),
          result: { kind: 'next', state: next },
        };
      });
      if (written && entry !== undefined) this.#store.add(entry, reading);
      if (written && isStep && result !== 'emptied') countStep(this, color, result.state.kind);
      this.#settleDoubts();
      return result;
    } finally {
      this.#store.end(reading);
      this.#publish();
    }
  }

  /** All entries of the topic, or of one color, as for {@link refresh}; what is known is up to date afterwards. */
  list(color?: Color): Promise<readonly StateEntry[]> {
    return this.#reads.ask(color, (sending) => this.#list(color, sending));
  }

  /** The same for several. */
  async listEach(colors: readonly Color[]): Promise<readonly StateEntry[]> {
    if (colors.length > MANY) return this.list();
    return (await Promise.all(colors.map((color) => this.list(color)))).flat();
  }

  async #list(color: Color | undefined, sending: () => void): Promise<readonly StateEntry[]> {
    for (let attempt = 0; attempt < RESTORES; attempt++) {
      const entries = await this.#listOnce(color, sending);
      if (entries !== undefined) return entries;
    }
    throw new ColorwayError('COLORWAY_DIRECTORY_FAILED', lostMessage(this.group, this.topic));
  }

  /** `undefined` where the directory was emptied, and has again what is known. */
  async #listOnce(color: Color | undefined, sending: () => void): Promise<readonly StateEntry[] | undefined> {
    const { prefix } = this.#store;
    const mark = await this.#memory.mark();
    const reading = this.#store.begin();
    try {
      sending();
      // One read for state and fences: what it lacks does not exist. Colors with longer names come along.
      const entries = await this.#state.list(color === undefined ? prefix : stateKey(prefix, color));
      const isOf = (key: string): boolean => parseHandoverKey(prefix, key)?.color === color;
      const wanted = color === undefined ? entries : entries.filter(({ key }) => isOf(key));
      if (await this.#memory.restore(wanted, { reading, only: color, mark })) return undefined;
      const isKnown = (of: Color): boolean => this.#store.remembered().some((one) => one.color === of);
      const counting = await this.#nobodys.without(wanted, isKnown);
      this.#store.refresh(counting, reading, color);
      if (color === undefined) this.#readAt = performance.now();
      this.#settleDoubts();
      return wanted;
    } finally {
      this.#store.end(reading);
      this.#publish();
    }
  }

  /** Deletes an entry, if it is still as it was read. */
  async delete({ key, version }: StateEntry): Promise<boolean> {
    const deleted = await this.#state.compareAndDelete(key, version);
    if (deleted) this.#store.apply({ kind: 'delta', put: [], removed: [key] });
    this.#changed();
    return deleted;
  }

  /** The state with all epochs that are over folded into it; the state itself where that cannot be done. */
  async #folded(color: Color, state: Handover): Promise<Handover> {
    if (isFolded(state)) return state;
    await this.refresh(color);
    return fold(state, this.#store.current().colors.get(color) ?? { partitions: new Map() }) ?? state;
  }

  /**
   * What a watch told and does not prove is asked for, unless a read is under way, which may tell. Where that fails, whoever
   * waits for it asks again, and the upkeep of the topic does: never the failure itself, or two colors would ask in turn
   * without a pause.
   */
  #settleDoubts(): void {
    if (this.#watch === undefined || this.#reads.isUnderWay(undefined)) return;
    const doubtful = this.doubtful.filter((color) => !this.#reads.isUnderWay(color));
    if (doubtful.length > 0) this.refreshEach(doubtful).catch(() => {}); // As said above: others ask again.
  }

  #changed(): void {
    this.#settleDoubts();
    this.#publish();
  }

  #publish(): void {
    const table = this.#store.current();
    if (table === this.#table) return;
    this.#table = table;
    for (const listener of [...this.#listeners]) listener();
  }
}
