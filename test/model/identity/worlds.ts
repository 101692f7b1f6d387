import type { IdentityRule, IdentityWorld } from './world.js';

const REMADE: IdentityWorld = { messages: [1, 1], restarts: 0, leaves: false };
const EMPTIED: IdentityWorld = { messages: [1], restarts: 0, leaves: false, wipes: 1 };

/** Explored by every test run. */
export const BOUNDED_WORLDS: Readonly<Record<string, IdentityWorld>> = {
  'a topic that is made again': REMADE,
  'a topic that is made again while it is looked at': { ...REMADE, messages: [0, 1], fine: 'upkeep' },
};

/** Explored by `npm run model`. */
export const FULL_WORLDS: Readonly<Record<string, IdentityWorld>> = {
  ...BOUNDED_WORLDS,
  'a topic that is made again, with two messages': { ...REMADE, messages: [1, 2] },
  'a topic that is made again while a color joins, step by step': {
    ...REMADE,
    messages: [0, 2],
    fine: 'all',
  },
  'a topic that is made again, and a color that leaves': { ...REMADE, leaves: true },
  'a topic that is made again, and a restart': { ...REMADE, restarts: 1 },
};

/**
 * Nothing is lost or handled twice in them, but something can stop: see `STOPS`.
 */
export const EMPTIED_WORLDS: Readonly<Record<string, IdentityWorld>> = {
  'a directory that is emptied': EMPTIED,
  'a topic that is made again, and a directory that is emptied': { ...EMPTIED, messages: [0, 1] },
};

/**
 * What is found and nothing prevents: who puts back an emptied directory first may not know a boundary that another process
 * has made. The other reads that the color is there, and does not look for its boundaries; so the color waits. Once the
 * other is started anew, the boundary is made where that stands: what was passed over before is nobody's.
 */
export const STOPS: IdentityWorld = EMPTIED;

/** For each rule the world in which its absence shows, and what then happens. */
export const FAULTS: Readonly<
  Record<IdentityRule, { readonly world: IdentityWorld; readonly fault: RegExp }>
> = {
  'topic-identity': { world: { ...REMADE, leaves: true }, fault: /^lost/ },
  'check-at-assignment': { world: REMADE, fault: /^beyond/ },
  'check-when-it-begins-again': { world: REMADE, fault: /^lost/ },
  'check-where-a-color-starts': { world: { ...REMADE, messages: [1, 2] }, fault: /^lost/ },
  'ask-for-the-topic-last': { world: { ...REMADE, messages: [0, 1], fine: 'upkeep' }, fault: /^lost/ },
  'follow-the-color': { world: REMADE, fault: /^stuck/ },
  'same-topic-for-a-boundary': { world: { ...REMADE, messages: [0, 2], fine: 'all' }, fault: /^lost/ },
};
