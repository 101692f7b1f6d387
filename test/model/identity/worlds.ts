import type { IdentityRule, IdentityWorld } from './world.js';

const REMADE: IdentityWorld = { messages: [1, 1], restarts: 0, leaves: false };
const EMPTIED: IdentityWorld = { messages: [1], restarts: 0, leaves: false, wipes: 1 };
/** Who does not know that the color has left puts it back, and the color handles again what it had. */
const LEAVES: IdentityWorld = { ...EMPTIED, leaves: true, repeats: true };

/** Explored by every test run. */
export const BOUNDED_WORLDS: Readonly<Record<string, IdentityWorld>> = {
  'a topic that is made again': REMADE,
  'a topic that is made again while it is looked at': { ...REMADE, messages: [0, 1], fine: 'upkeep' },
  'a directory that is emptied': EMPTIED,
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
  'a directory that is emptied while a color leaves': LEAVES,
  'a directory that is emptied twice': { ...EMPTIED, messages: [2], wipes: 2 },
  'a topic that is made again, and a directory that is emptied': { ...EMPTIED, messages: [0, 1] },
};

/** What is found, and nothing here prevents: the docs say how. */
export const LIMITS: Readonly<Record<string, IdentityWorld>> = {
  // Made again between the look and the commit for a boundary: the broker takes the old place for one in the new topic.
  'a topic that is made again, and a color that leaves': { ...REMADE, leaves: true },
  // The first batch came from the beginning, while no color was known: nobody asked of which topic it is.
  'a topic that is made again, and a restart': { ...REMADE, restarts: 1 },
};

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
  'put-back-boundaries': { world: EMPTIED, fault: /^stuck/ },
  'put-back-later-state': { world: LEAVES, fault: /^lost/ },
  'same-topic-for-a-boundary': { world: { ...REMADE, messages: [0, 2], fine: 'all' }, fault: /^lost/ },
};
