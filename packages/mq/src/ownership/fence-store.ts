import type { Color, StateChange, StateEntry } from '@colorway/core';
import type { ColorFences, EpochFences, FenceTable, PartitionFences } from './fences.js';
import { parseFence, parseHandover, type Unreadable } from './handover-codec.js';
import { type HandoverKey, handoverPrefix, parseHandoverKey } from './handover-keys.js';
import { compareHandovers, type Handover, type HandoverMark, NEVER_JOINED } from './handover-state.js';
import type { Owner } from './ownership.js';
import { compileSegments, isComplete, type Owners, undecided } from './segments.js';

export interface FenceStoreOptions {
  /** The baseline's group. */
  readonly group: string;
  readonly topic: string;
  readonly coloredGroup: (color: Color) => string;
  /** Told of each entry that cannot be read. */
  readonly onUnreadable?: (why: string) => void;
}

/**
 * Turns what the directory tells below {@link prefix} into fence tables. Knowledge only grows: states move
 * on and fences are written once, so the newer of two facts is told by the facts themselves, and an
 * answer that was overtaken on its way (a watch behind a refresh) can take nothing back. A table is made
 * when it is asked for; only colors and partitions that changed are made anew.
 */
export class FenceStore {
  readonly prefix: string;
  readonly #options: FenceStoreOptions;
  readonly #colors = new Map<Color, ColorRecord>();
  readonly #changed = new Set<ColorRecord>();
  #table: FenceTable;

  constructor(options: FenceStoreOptions) {
    this.#options = options;
    this.prefix = handoverPrefix(options.group, options.topic);
    const uncolored = baseline(options.group, 'no-color');
    this.#table = Object.freeze({
      version: 0,
      uncolored,
      unlisted: baseline(options.group, 'not-joined'),
      colors: new Map(),
    });
  }

  current(): FenceTable {
    if (this.#changed.size === 0) return this.#table;
    const colors = new Map(this.#table.colors);
    for (const record of this.#changed) colors.set(record.color, record.fences());
    this.#changed.clear();
    this.#table = Object.freeze({ ...this.#table, version: this.#table.version + 1, colors });
    return this.#table;
  }

  /** For a partition whose view was not refreshed since it was assigned: no color is decided. */
  unrefreshed(): FenceTable {
    const { uncolored } = this.#table;
    return Object.freeze({
      version: 0,
      uncolored,
      unlisted: undecided('view-not-refreshed'),
      colors: new Map(),
    });
  }

  /** Takes a watch's change. What it says was removed stays known: the protocol removes nothing. */
  apply(change: StateChange): void {
    for (const entry of change.kind === 'snapshot' ? change.entries : change.put) this.add(entry);
  }

  /**
   * Takes all entries below {@link prefix}, from one linearizable read (`StateStore.list`). Only this tells
   * that a fence does not exist; to have found none in a watch does not.
   */
  refresh(entries: readonly StateEntry[]): void {
    for (const entry of entries) {
      const added = this.#add(entry);
      if (added?.key.kind !== 'state' || typeof added.read === 'bigint' || added.read.kind === 'unreadable')
        continue;
      const record = this.#record(added.key.color);
      if (record.completeTo(added.read)) this.#changed.add(record);
    }
  }

  /** Takes one entry more, say one that this process has created or found in its way. */
  add(entry: StateEntry): void {
    this.#add(entry);
  }

  #add({ key, value }: StateEntry): { key: HandoverKey; read: Handover | Unreadable | bigint } | undefined {
    const parsed = parseHandoverKey(this.prefix, key);
    if (parsed === undefined) return undefined;
    const record = this.#record(parsed.color);
    const read = parsed.kind === 'state' ? parseHandover(value) : parseFence(value);
    if (typeof read === 'object' && read.kind === 'unreadable') {
      this.#options.onUnreadable?.(`${key}: ${read.why}. The color waits until it can be read.`);
    }
    if (record.add(parsed, read)) this.#changed.add(record);
    return { key: parsed, read };
  }

  #record(color: Color): ColorRecord {
    let record = this.#colors.get(color);
    if (record === undefined) {
      record = new ColorRecord(color, ownersOf(this.#options.group, this.#options.coloredGroup(color)));
      this.#colors.set(color, record);
    }
    return record;
  }
}

/** What is known of one color, kept changeable, and the fences made of it. */
class ColorRecord {
  readonly color: Color;
  readonly #owners: Owners;
  readonly #partitions = new Map<number, Map<number, EpochFences>>();
  readonly #changed = new Set<number>();
  #handover: Handover | Unreadable = NEVER_JOINED;
  /** The last state that could be read. */
  #newest: Handover = NEVER_JOINED;
  #completeTo: HandoverMark = NEVER_JOINED;
  #stateChanged = true;
  #made: ColorFences | undefined;

  constructor(color: Color, owners: Owners) {
    this.color = color;
    this.#owners = owners;
  }

  /** Whether this was news. */
  add(key: HandoverKey, read: Handover | Unreadable | bigint): boolean {
    if (key.kind === 'fence') return this.#addFence(key, read as bigint | Unreadable);
    return this.#addState(read as Handover | Unreadable);
  }

  /** Everything that was written before this state is known. Returns whether that was news. */
  completeTo(state: Handover): boolean {
    if (compareHandovers(state, this.#completeTo) <= 0) return false;
    this.#completeTo = state;
    this.#stateChanged = true;
    return true;
  }

  #addState(read: Handover | Unreadable): boolean {
    if (read.kind !== 'unreadable') {
      const news = compareHandovers(read, this.#newest);
      if (news < 0 || (news === 0 && same(read, this.#handover))) return false;
      this.#newest = read;
    }
    this.#handover = read;
    this.#stateChanged = true;
    return true;
  }

  #addFence(
    { partition, epoch, fence }: HandoverKey & { kind: 'fence' },
    read: bigint | Unreadable,
  ): boolean {
    const epochs = this.#partitions.get(partition) ?? new Map<number, EpochFences>();
    const known = epochs.get(epoch) ?? { epoch, unreadable: [] };
    if (known[fence] !== undefined) return false;
    const others = known.unreadable.filter((kind) => kind !== fence);
    if (typeof read === 'bigint') {
      epochs.set(epoch, Object.freeze({ ...known, [fence]: read, unreadable: others }));
    } else {
      if (others.length < known.unreadable.length) return false;
      epochs.set(epoch, Object.freeze({ ...known, unreadable: [...others, fence] }));
    }
    this.#partitions.set(partition, epochs);
    this.#changed.add(partition);
    return true;
  }

  fences(): ColorFences {
    const partitions = new Map(this.#made?.partitions);
    // A new state may change the tail of every partition.
    for (const partition of this.#stateChanged ? this.#partitions.keys() : this.#changed) {
      const epochs = [...(this.#partitions.get(partition)?.values() ?? [])].sort((a, b) => a.epoch - b.epoch);
      partitions.set(partition, this.#compile(epochs));
    }
    const unfenced = this.#made === undefined || this.#stateChanged ? this.#compile([]) : this.#made.unfenced;
    this.#stateChanged = false;
    this.#changed.clear();
    this.#made = Object.freeze({ color: this.color, handover: this.#handover, partitions, unfenced });
    return this.#made;
  }

  #compile(epochs: readonly EpochFences[]): PartitionFences {
    const knowledge = { handover: this.#handover, completeTo: this.#completeTo, epochs };
    return Object.freeze({
      epochs,
      segments: compileSegments(knowledge, this.#owners),
      complete: isComplete(knowledge),
    });
  }
}

function same(a: Handover, b: Handover | Unreadable): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function baseline(group: string, reason: Extract<Owner, { kind: 'baseline' }>['reason']): Owner {
  return Object.freeze({ kind: 'baseline', group, reason });
}

function ownersOf(group: string, coloredGroup: string): Owners {
  return {
    notJoined: baseline(group, 'not-joined'),
    beforeJoin: baseline(group, 'before-join'),
    afterLeave: baseline(group, 'after-leave'),
    joined: Object.freeze({ kind: 'colored', group: coloredGroup, reason: 'joined' }),
    leftBehind: Object.freeze({ kind: 'colored', group: coloredGroup, reason: 'left-behind' }),
  };
}
