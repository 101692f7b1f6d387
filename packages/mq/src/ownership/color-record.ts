import type { Color } from '@colorway/core';
import type { ColorFences, EpochFences, PartitionFences } from './fences.js';
import type { Unreadable } from './handover-codec.js';
import type { FenceKind } from './handover-keys.js';
import { compareHandovers, type Handover, type HandoverMark, NEVER_JOINED } from './handover-state.js';
import { pastIn, sinceOf } from './past.js';
import { withProgressOf } from './progress.js';
import { compileSegments, isComplete, type Owners } from './segments.js';

/** What is known of one color, kept changeable, and the fences made of it. While its entry stands, this only grows. */
export class ColorRecord {
  readonly color: Color;
  /** By the store's clock: when the entry was found to stand; `undefined` while nobody has read it. */
  #foundAt: number | undefined;
  /** By the store's clock: when its state was last news. */
  #movedAt = 0;
  /** By the store's clock: when a fence was last news. */
  #fencedAt = 0;
  /** A watch told something that does not follow from what is known: the directory has to be asked since then. */
  #doubtfulSince: number | undefined;
  /** What the watch told, if that was a state: a read that knows as much settles the doubt. */
  #hint: Handover | undefined;
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

  get foundAt(): number | undefined {
    return this.#foundAt;
  }

  get movedAt(): number {
    return this.#movedAt;
  }

  get fencedAt(): number {
    return this.#fencedAt;
  }

  /** Whether a fence is known that counts. */
  hasFence(partition: number, epoch: number, fence: FenceKind): boolean {
    const known = this.#partitions.get(partition)?.get(epoch);
    return epoch >= sinceOf(this.#newest) && known?.[fence] !== undefined;
  }

  get isDoubtful(): boolean {
    return this.#doubtfulSince !== undefined;
  }

  get newest(): Handover {
    return this.#newest;
  }

  /** Somebody found it, and needs it still: it is not deleted before it has left and nothing of it is to be passed over. */
  get isNeeded(): boolean {
    const { kind, past } = this.#newest;
    return this.#foundAt !== undefined && (kind !== 'absent' || past !== undefined);
  }

  /** Fences are known that count no more. */
  get hasFolded(): boolean {
    const since = sinceOf(this.#newest);
    for (const epochs of this.#partitions.values())
      for (const epoch of epochs.keys()) if (epoch < since) return true;
    return false;
  }

  /** Whether there is something to ask that a read begun at `at` cannot answer. */
  isDoubtfulAfter(at: number): boolean {
    return this.#doubtfulSince !== undefined && this.#doubtfulSince > at;
  }

  /** Returns whether that was news. */
  doubt(now: number, hint?: Handover | Unreadable): boolean {
    const first = this.#doubtfulSince === undefined;
    const state = hint?.kind === 'unreadable' ? undefined : hint;
    if (first || state === undefined) this.#hint = state;
    else if (this.#hint !== undefined) this.#hint = later(state, this.#hint);
    this.#doubtfulSince = now;
    this.#stateChanged ||= first;
    return first;
  }

  /** A read that began at `at` found the entry: what was doubtful before is settled by it. */
  found(read: Handover | Unreadable, at: number, now: number): boolean {
    if (this.#foundAt !== undefined && this.#doubtfulSince === undefined) return this.addState(read, now);
    const told =
      this.#hint !== undefined && read.kind !== 'unreadable' && compareHandovers(this.#hint, read) <= 0;
    if (told || !this.isDoubtfulAfter(at)) {
      this.#doubtfulSince = undefined;
      this.#hint = undefined;
    }
    this.#foundAt ??= now;
    this.#movedAt = now;
    // It may have been deleted and made anew, by whatever clock: what was read is what stands.
    this.#completeTo = NEVER_JOINED;
    this.#newest = read.kind === 'unreadable' ? NEVER_JOINED : read;
    this.#handover = read;
    this.#stateChanged = true;
    return true;
  }

  /** Everything that was written before this state is known. Returns whether that was news. */
  completeTo(state: Handover): boolean {
    if (compareHandovers(state, this.#completeTo) <= 0) return false;
    this.#completeTo = state;
    this.#stateChanged = true;
    return true;
  }

  /** Whether this was news. */
  addState(told: Handover | Unreadable, now: number): boolean {
    // A watch may lag behind, and an older version of this library does not pass on what was kept.
    const read = told.kind === 'unreadable' ? told : withProgressOf(told, this.#newest);
    if (read.kind !== 'unreadable') {
      const news = compareHandovers(read, this.#newest);
      if (news < 0 || (news === 0 && !isNewer(read, this.#handover))) return false;
      this.#newest = read;
    }
    this.#movedAt = now;
    this.#handover = read;
    this.#stateChanged = true;
    return true;
  }

  addFence(
    partition: number,
    epoch: number,
    fence: FenceKind,
    read: bigint | Unreadable,
    now: number,
  ): boolean {
    if (epoch < sinceOf(this.#newest)) return false;
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
    this.#fencedAt = now;
    return true;
  }

  fences(): ColorFences {
    if (this.#stateChanged) this.#forgetFolded();
    const partitions = new Map<number, PartitionFences>();
    for (const partition of new Set([...this.#partitions.keys(), ...(this.#newest.past?.keys() ?? [])])) {
      // A new state may change the tail of every partition.
      const made = this.#stateChanged || this.#changed.has(partition);
      const kept = made ? undefined : this.#made?.partitions.get(partition);
      partitions.set(partition, kept ?? this.#compile(partition));
    }
    const unfenced = this.#made === undefined || this.#stateChanged ? this.#compile(-1) : this.#made.unfenced;
    this.#stateChanged = false;
    this.#changed.clear();
    this.#made = Object.freeze({ color: this.color, handover: this.#handover, partitions, unfenced });
    return this.#made;
  }

  /** Fences whose epoch is folded count no more. Those ahead of a state that is not known yet stay. */
  #forgetFolded(): void {
    const since = sinceOf(this.#newest);
    for (const [partition, epochs] of this.#partitions) {
      for (const epoch of [...epochs.keys()]) if (epoch < since) epochs.delete(epoch);
      if (epochs.size === 0) this.#partitions.delete(partition);
    }
  }

  #compile(partition: number): PartitionFences {
    const since = sinceOf(this.#newest);
    const past = pastIn(this.#newest.past, partition);
    const epochs = [...(this.#partitions.get(partition)?.values() ?? [])]
      .filter(({ epoch }) => epoch >= since)
      .sort((a, b) => a.epoch - b.epoch);
    const knowledge = {
      ...{ handover: this.#handover, completeTo: this.#completeTo, since, past, epochs },
      doubtful: this.#foundAt === undefined || this.isDoubtful,
    };
    return Object.freeze({
      past,
      epochs,
      segments: compileSegments(knowledge, this.#owners),
      complete: isComplete(knowledge),
    });
  }
}

function later(a: Handover, b: Handover): Handover {
  return compareHandovers(a, b) < 0 ? b : a;
}

/** Of two that stand at the same place: neither a closer nor a discard is taken back, and what is folded is not unfolded. */
function isNewer(read: Handover, known: Handover | Unreadable): boolean {
  if (known.kind === 'unreadable') return true;
  if (sinceOf(read) < sinceOf(known)) return false;
  if ('onLeave' in known && 'onLeave' in read && known.onLeave === 'discard' && read.onLeave === 'drain')
    return false;
  if (known.kind === 'draining' && known.closer !== undefined) {
    if (read.kind === 'draining' && read.closer === undefined) return false;
  }
  return JSON.stringify(read, asText) !== JSON.stringify(known, asText);
}

function asText(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Map ? [...value] : value;
}
