import type { Color, StateChange, StateEntry } from '@colorway/core';
import { ColorRecord } from './color-record.js';
import type { FenceTable } from './fences.js';
import { parseFence, parseHandover, type Unreadable } from './handover-codec.js';
import { type HandoverKey, handoverPrefix, parseHandoverKey } from './handover-keys.js';
import { type Handover, isFolded } from './handover-state.js';
import { Leftovers } from './leftovers.js';
import type { Owner } from './ownership.js';
import { sinceOf } from './past.js';
import { answerOf, fencesLost, lacksState, type ReadAnswer, type Reading } from './read-answer.js';
import type { Remembered, RememberedFence } from './restore-plan.js';
import { type Owners, undecided } from './segments.js';

export interface FenceStoreOptions {
  /** The baseline's group. */
  readonly group: string;
  readonly topic: string;
  /** As for `handoverPrefix`. */
  readonly cluster?: string | undefined;
  readonly coloredGroup: (color: Color) => string;
  /** Told of each entry that cannot be read. */
  readonly onUnreadable?: (why: string) => void;
}

export interface LostFences {
  readonly color: Color;
  readonly fences: readonly RememberedFence[];
}

/**
 * Turns what the directory tells below {@link prefix} into fence tables. While the entry of a color stands,
 * knowledge of it only grows: states move on and fences are written once, so the newer of two facts is told
 * by the facts themselves. Whether it *stands* is told by reads alone: an entry is deleted when it is not
 * needed, and a watch may tell of its life after a read has told of its end. So what a watch says of a color that
 * is not known to stand, and that one which stands was removed, makes the color doubtful, until a read that
 * began afterwards. A table is made when it is asked for; only colors and partitions that changed are made anew.
 */
export class FenceStore {
  readonly prefix: string;
  readonly #options: FenceStoreOptions;
  readonly #colors = new Map<Color, ColorRecord>();
  readonly #changed = new Set<Color>();
  readonly #readings = new Set<Reading>();
  /** When a color was last said to be removed; kept while a read is under way that began before. */
  readonly #removals = new Map<Color, number>();
  readonly leftovers = new Leftovers();
  /** When a watch last told that a fence which counts was removed. It counts until a read tells what became of it. */
  readonly #unfenced = new Map<Color, number>();
  #clock = 0;
  #table: FenceTable;

  constructor(options: FenceStoreOptions) {
    this.#options = options;
    this.prefix = handoverPrefix(options.group, options.topic, options.cluster);
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
    for (const color of this.#changed) {
      const record = this.#colors.get(color);
      if (record === undefined) colors.delete(color);
      else colors.set(color, record.fences());
    }
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

  /** Colors that the directory has to be asked about. */
  doubtful(): Color[] {
    const records = [...this.#colors.values()];
    return records
      .filter(({ color, isDoubtful }) => isDoubtful || this.#unfenced.has(color))
      .map(({ color }) => color);
  }

  /** The colors that somebody needs still, as far as is known. @param only of this one. */
  remembered(only?: Color): Remembered[] {
    const needed = this.#among(only).filter(({ isNeeded }) => isNeeded);
    if (needed.length === 0) return [];
    const { colors } = this.current();
    return needed.map(({ color, newest }) => ({
      color,
      state: newest,
      partitions: colors.get(color)?.partitions ?? new Map(),
    }));
  }

  /** Entries that were read as for {@link refresh}, to be held against what is known. */
  answer(entries: readonly StateEntry[], reading: Reading): ReadAnswer {
    return answerOf(this.prefix, entries, reading);
  }

  /** Whether it lacks a color that is needed, or tells of another epoch of it, or of an earlier state: none is ever taken back. */
  lacksKnown(answer: ReadAnswer, only?: Color): boolean {
    return this.#among(only).some((record) => lacksState(record, answer));
  }

  /** The fences that it lacks though they were known before, and count. */
  lostFences(answer: ReadAnswer, only?: Color): LostFences[] {
    return this.remembered(only).flatMap((remembered) => {
      const fences = fencesLost(remembered, this.#record(remembered.color).fencedAt, answer);
      return fences.length > 0 ? [{ color: remembered.color, fences }] : [];
    });
  }

  /** To be called before a linearizable read is sent; every reading ends, with its answer or without. */
  begin(): Reading {
    const reading = { at: this.#clock };
    this.#readings.add(reading);
    return reading;
  }

  end(reading: Reading): void {
    this.#readings.delete(reading);
    if (this.#readings.size === 0) this.#removals.clear();
  }

  /** Takes a watch's change. A fence that was removed is folded into a state, which says so itself, or was taken away. */
  apply(change: StateChange): void {
    if (change.kind === 'snapshot') {
      const standing = this.#addAll(change.entries);
      for (const color of [...this.#colors.keys()]) if (!standing.has(color)) this.#removed(color);
      for (const { color } of this.lostFences(this.answer(change.entries, { at: this.#clock })))
        this.#unfenced.set(color, ++this.#clock);
      return;
    }
    this.#addAll(change.put);
    for (const key of change.removed) {
      const parsed = parseHandoverKey(this.prefix, key);
      if (parsed?.kind === 'state') this.#removed(parsed.color);
      if (parsed?.kind !== 'fence') continue;
      const { color, partition, epoch, fence } = parsed;
      if (this.#colors.get(color)?.hasFence(partition, epoch, fence))
        this.#unfenced.set(color, ++this.#clock);
    }
  }

  /**
   * Takes all entries below {@link prefix}, or below the state key of `only`, from one linearizable read
   * (`StateStore.list`). Only this tells that a fence or a color does not exist; to have found none in a watch
   * does not.
   */
  refresh(entries: readonly StateEntry[], reading: Reading = this.begin(), only?: Color): void {
    this.leftovers.asked(only === undefined ? this.leftovers.colors : [only], reading.at);
    const standing = new Set<Color>();
    const fenced = new Set<Color>();
    for (const entry of entries) {
      const added = this.#add(entry, reading);
      if (added?.key.kind === 'fence') fenced.add(added.key.color);
      if (added?.key.kind !== 'state' || typeof added.read === 'bigint') continue;
      const { color } = added.key;
      standing.add(color);
      if (added.read.kind === 'unreadable') continue;
      const record = this.#colors.get(color);
      if (record?.foundAt !== undefined && record.completeTo(added.read)) this.#changed.add(color);
    }
    for (const color of only === undefined ? [...this.#colors.keys()] : [only]) {
      if ((this.#unfenced.get(color) ?? 0) <= reading.at) this.#unfenced.delete(color);
      if (!standing.has(color)) this.#missing(color, reading);
    }
    for (const color of fenced) if (!standing.has(color)) this.leftovers.add(color, ++this.#clock);
    this.end(reading);
  }

  /** Takes one entry more: one that a read found, or that this process has created, or a watch's. */
  add(entry: StateEntry, reading?: Reading): void {
    this.#add(entry, reading);
    if (reading !== undefined) this.end(reading);
  }

  #addAll(entries: readonly StateEntry[]): Set<Color> {
    const standing = new Set<Color>();
    for (const entry of entries) {
      const added = this.#add(entry);
      if (added?.key.kind === 'state') standing.add(added.key.color);
    }
    return standing;
  }

  #add(
    { key, value }: StateEntry,
    reading?: Reading,
  ): { key: HandoverKey; read: Handover | Unreadable | bigint } | undefined {
    const parsed = parseHandoverKey(this.prefix, key);
    if (parsed === undefined) return undefined;
    const record = this.#record(parsed.color);
    const read = parsed.kind === 'state' ? parseHandover(value) : parseFence(value);
    if (typeof read === 'object' && read.kind === 'unreadable')
      this.#options.onUnreadable?.(`${key}: ${read.why}`);
    if (parsed.kind === 'fence') {
      const { partition, epoch, fence } = parsed;
      if (record.addFence(partition, epoch, fence, read as bigint | Unreadable, ++this.#clock))
        this.#changed.add(parsed.color);
      if (epoch < sinceOf(record.newest)) this.leftovers.add(parsed.color, ++this.#clock);
      // It follows a state. If that is gone, it was made too late, and means nothing.
      if (reading === undefined && record.foundAt === undefined && !record.isDoubtful)
        record.doubt(++this.#clock);
    } else if (this.#addState(record, read as Handover | Unreadable, reading)) {
      this.#changed.add(parsed.color);
      if (record.hasFolded) this.leftovers.add(parsed.color, ++this.#clock);
    }
    return { key: parsed, read };
  }

  #addState(record: ColorRecord, read: Handover | Unreadable, reading: Reading | undefined): boolean {
    if (reading === undefined) {
      const known = record.foundAt !== undefined && !record.isDoubtful;
      if (!known || beginsAnew(record.newest, read)) return record.doubt(++this.#clock, read);
      return record.addState(read, ++this.#clock);
    }
    // It was said to be removed after the read had begun: the answer may be of before.
    const removed = this.#removals.get(record.color) ?? 0;
    if (reading.at < removed) return record.doubt(removed);
    return record.found(read, reading.at, ++this.#clock);
  }

  #removed(color: Color): void {
    const record = this.#colors.get(color);
    if (this.#readings.size > 0) this.#removals.set(color, ++this.#clock);
    if (record?.foundAt === undefined) return;
    const { newest } = record;
    // Whether it is this end or a later one: for owners it is the same. Else the watch may be behind a read.
    if (newest.kind === 'absent' && isFolded(newest) && newest.past === undefined) this.#forget(color);
    else if (record.doubt(++this.#clock)) this.#changed.add(color);
  }

  #missing(color: Color, reading: Reading): void {
    const record = this.#colors.get(color);
    if (record === undefined || record.isDoubtfulAfter(reading.at)) return;
    // Found since the read began.
    if (record.foundAt !== undefined && record.foundAt > reading.at) return;
    // The answer may be of before what is known: the color may have come back since.
    if (record.movedAt <= reading.at) this.#forget(color);
    else if (record.doubt(++this.#clock)) this.#changed.add(color);
  }

  #among(only: Color | undefined): ColorRecord[] {
    if (only === undefined) return [...this.#colors.values()];
    const record = this.#colors.get(only);
    return record === undefined ? [] : [record];
  }

  #forget(color: Color): void {
    this.#colors.delete(color);
    this.#unfenced.delete(color);
    this.#changed.add(color);
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

/** Somebody joined who knew nothing of an epoch that was not over: a read has to tell what became of that. */
function beginsAnew(known: Handover, read: Handover | Unreadable): boolean {
  if (read.kind === 'unreadable' || known.kind === 'absent') return false;
  return read.epoch !== known.epoch && sinceOf(read) > known.epoch;
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
