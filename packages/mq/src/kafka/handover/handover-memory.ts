import type { Color, StateEntry, StateStore } from '@colorway/core';
import { sleep, updateEntry } from '@colorway/core/background';
import type { FenceStore } from '../../ownership/fence-store.js';
import {
  encodeFence,
  encodeHandover,
  type HandoverNames,
  parseHandover,
} from '../../ownership/handover-codec.js';
import { fenceKey, stateKey } from '../../ownership/handover-keys.js';
import type { Reading } from '../../ownership/read-answer.js';
import { type Remembered, type RememberedFence, restorePlan } from '../../ownership/restore-plan.js';
import type { GroupMark } from './group-mark.js';

const AT_ONCE = 16;
/** So long the deletion of all keys may take, from the first that is missed to the mark. */
const EMPTYING_MS = 1_000;

export interface HandoverMemoryOptions {
  readonly state: StateStore;
  readonly store: FenceStore;
  readonly mark: GroupMark;
  readonly names: HandoverNames;
  /** This process, as its fences name it. */
  readonly by: string;
  /** Ends the wait for a directory that is being emptied. */
  readonly signal: AbortSignal;
  /** The directory was emptied, and what was known is in it again. */
  readonly onRestored: () => void;
}

/**
 * Tells an entry that was deleted because nobody needs it from one that is gone because the directory was emptied,
 * and puts the latter back: what a process knows of a color is true still, for the messages are where they were.
 *
 * A color that had left before, unnoticed by this process, is put back as well: it has no membership, so it leaves.
 */
export class HandoverMemory {
  readonly #options: HandoverMemoryOptions;
  /** Of the directory in which the colors that are known were found. */
  #mark: string | undefined;
  #restoring: Promise<void> | undefined;

  constructor(options: HandoverMemoryOptions) {
    this.#options = options;
  }

  /**
   * The mark of the directory that what is known comes from. To be asked before each read, and given to
   * {@link restore} with its answer: an answer from before something was put back lacks it too.
   */
  async mark(): Promise<string | undefined> {
    const { store, mark } = this.#options;
    // Before anything is found, and not after: what is found then may be gone since.
    if (this.#mark === undefined || store.remembered().length === 0) this.#mark = await mark.read();
    return this.#mark;
  }

  /**
   * Whether the read lacks what is known, because the directory was emptied. It is in it again then, and what was
   * read is to be read again. A fence that counts is never deleted, so that one is gone needs no mark to tell why.
   */
  async restore(
    entries: readonly StateEntry[],
    { reading, only, mark }: { reading: Reading; only: string | undefined; mark: string | undefined },
  ): Promise<boolean> {
    const { store, signal, onRestored } = this.#options;
    const answer = store.answer(entries, reading);
    const lost = store.lostFences(answer, only);
    for (const { color, fences } of lost) await this.#create(color, fences);
    if (lost.length > 0) {
      onRestored();
      return true;
    }
    if (mark === undefined || !store.lacksKnown(answer, only)) return false;
    // Keys may be deleted one by one, and the mark last.
    if ((await this.#options.mark.read()) === mark) {
      await sleep(EMPTYING_MS, signal);
      signal.throwIfAborted();
      if ((await this.#options.mark.read()) === mark) return false;
    }
    // Another read has put it back since this one began: what is missing now was deleted after that.
    if (this.#mark !== mark) return true;
    this.#restoring ??= this.#restoreAll().finally(() => {
      this.#restoring = undefined;
    });
    await this.#restoring;
    return true;
  }

  /** All colors, and only then the new mark: from then on, one that is missing was deleted. */
  async #restoreAll(): Promise<void> {
    const { store, mark, onRestored } = this.#options;
    const made = await mark.make();
    for (const remembered of store.remembered()) await this.#restoreColor(remembered);
    this.#mark = made;
    onRestored();
  }

  async #restoreColor(remembered: Remembered): Promise<void> {
    const { state, store, names } = this.#options;
    const key = stateKey(store.prefix, remembered.color);
    const { result } = await updateEntry<readonly RememberedFence[]>(state, key, async (standing) => {
      const read = standing && parseHandover(standing.value);
      if (read?.kind === 'unreadable') return { kind: 'keep', result: [] };
      const plan = restorePlan(remembered, read);
      await this.#create(remembered.color, plan.fences);
      return plan.state === undefined
        ? { kind: 'keep', result: [] }
        : { kind: 'put', value: encodeHandover(plan.state, names), result: plan.fences };
    });
    // Somebody who saw them without a state may have taken them for ones that were made too late.
    await this.#create(remembered.color, result);
  }

  async #create(color: Color, fences: readonly RememberedFence[]): Promise<void> {
    const { state, store, by } = this.#options;
    for (let at = 0; at < fences.length; at += AT_ONCE) {
      await Promise.all(
        fences
          .slice(at, at + AT_ONCE)
          .map(({ epoch, fence, partition, offset }) =>
            state.create(fenceKey(store.prefix, color, epoch, fence, partition), encodeFence(offset, by)),
          ),
      );
    }
  }
}
