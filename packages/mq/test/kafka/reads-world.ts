import type { StateStore } from '@colorway/core';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { sweepHandover } from '../../src/kafka/handover/sweep-handover.js';
import { runtimeOf } from '../../src/kafka/mq-runtime.js';
import { encodeFence, encodeHandover } from '../../src/ownership/handover-codec.js';
import { fenceKey, handoverPrefix, stateKey } from '../../src/ownership/handover-keys.js';
import type { Handover } from '../../src/ownership/handover-state.js';
import { until } from './until.js';

export const NAMES = { group: 'GID_order', topic: 'orders' };
export const LOG = 'log-1';
export const ends = async () => new Map([[0, 100n]]);

/**
 * A process, and others that write. Its lists are counted by what they are of.
 *
 * @param deaf its watch tells what the test tells, and nothing else.
 */
export async function setUpReads(deaf = false) {
  const directory = memoryDirectory();
  const { state } = directory;
  if (state === undefined) throw new Error('no state');
  let lists: string[] = [];
  let isDeaf = deaf;
  let fails = false;
  let hanging: string | undefined;
  let unwritable: string | undefined;
  let gate: Promise<void> | undefined;
  let tell: Parameters<StateStore['watch']>[1] | undefined;
  const mustBeWritable = (key: string): void => {
    if (unwritable !== undefined && `${key}/`.includes(`/${unwritable}/`))
      throw new Error(`not ${unwritable}`);
  };
  const counted: StateStore = {
    get: async (key) => {
      const entry = await state.get(key);
      if (key.startsWith('mq/')) await gate;
      return entry;
    },
    create: state.create.bind(state),
    compareAndSet: (key, value, version) => {
      mustBeWritable(key);
      return state.compareAndSet(key, value, version);
    },
    compareAndDelete: (key, version) => {
      mustBeWritable(key);
      return state.compareAndDelete(key, version);
    },
    list: async (prefix) => {
      if (prefix.startsWith('mq/')) lists.push(prefix);
      if (fails) throw new Error('not now');
      if (hanging !== undefined && prefix.endsWith(`/${hanging}`)) await new Promise(() => {});
      const entries = await state.list(prefix);
      await gate;
      return entries;
    },
    watch: (prefix, observer) => {
      if (prefix.startsWith('mq/')) tell = observer;
      return state.watch(prefix, {
        ...{ current: () => observer.current(), error: (error) => observer.error(error) },
        next: (change) => {
          if (!isDeaf) observer.next(change);
        },
      });
    },
  };
  // Living colors, from before it came.
  const before = handoverPrefix(NAMES.group, NAMES.topic);
  for (let at = 0; at < 10; at++) {
    await state.create(fenceKey(before, `c-${at}`, 1, 'join', 0), encodeFence(5n, 'other'));
    const active: Handover = { kind: 'active', epoch: 1, since: 1, log: LOG };
    await state.create(stateKey(before, `c-${at}`), encodeHandover(active, NAMES));
  }
  const coloring = createColoring({
    service: 'stock',
    color: '',
    directory: { ...directory, state: counted },
  });
  const runtime = runtimeOf(coloring);
  const { handover, release } = runtime.useHandover(NAMES.group, NAMES.topic);
  const { prefix } = handover;
  const keys = async () => (await state.list(prefix)).map(({ key }) => key.slice(prefix.length));
  return {
    ...{ state, runtime, handover, keys },
    stand: async (color: string, handed: Handover) => {
      const key = stateKey(prefix, color);
      const standing = await state.get(key);
      if (standing === undefined) await state.create(key, encodeHandover(handed, NAMES));
      else await state.compareAndSet(key, encodeHandover(handed, NAMES), standing.version);
    },
    fence: async (color: string, epoch: number, offset: bigint) => {
      await state.create(fenceKey(prefix, color, epoch, 'join', 0), encodeFence(offset, 'other'));
    },
    known: (what: string, holds: () => boolean) => until(what, async () => holds()),
    /** What was listed since it was last asked, by color; '' is the topic. */
    lists: () => {
      const found = lists.map((one) => one.slice(prefix.length));
      lists = [];
      return found;
    },
    deafen: () => {
      isDeaf = true;
    },
    /** The watch says that it failed, or that it is well. */
    watch: (says: 'error' | 'current') => {
      if (says === 'error') tell?.error(new Error('away'));
      else tell?.current();
    },
    /** Answers are held back until what comes back is called. */
    hold: () => {
      let release = (): void => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },
    /** All that stands, as a watch that begins anew tells it. */
    tellAll: async () => tell?.next({ kind: 'snapshot', entries: await state.list(prefix) }),
    /** From now on reads of this color are never answered. */
    hang: (color: string) => {
      hanging = color;
    },
    /** Nothing of this color can be written. */
    refuseWrites: (color: string | undefined) => {
      unwritable = color;
    },
    refuse: (now: boolean) => {
      fails = now;
    },
    sweep: (reached = 1_000n) => sweepHandover(handover, { reached: async () => () => reached }),
    close: async () => {
      release();
      await coloring.close();
    },
  };
}

export type ReadsWorld = Awaited<ReturnType<typeof setUpReads>>;
