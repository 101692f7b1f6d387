import type { Rule, World } from './world.js';

const SMALL: World = {
  partitions: ['c'],
  epochs: 1,
  leaves: true,
  baseline: 2,
  colored: 1,
  crashes: 0,
  moves: 0,
  running: true,
};

/** The application commits in transactions, of which one is given up. */
const CHAIN: World = { ...SMALL, baseline: 1, chain: true, aborts: 1 };

/** Explored by every test run: some seconds. */
export const BOUNDED_WORLDS: Readonly<Record<string, World>> = {
  'from nothing: groups without members': { ...SMALL, running: false },
  'two messages': { ...SMALL, partitions: ['cc'] },
  'two epochs': { ...SMALL, epochs: 2, leaves: false },
  'two partitions': { ...SMALL, partitions: ['c', 'c'], leaves: false },
  'a crash': { ...SMALL, crashes: 1 },
  'a zombie': { ...SMALL, baseline: 1, moves: 1 },
  'the broker forgets': { ...SMALL, baseline: 1, crashes: 1, forgets: 1 },
  'every step by itself': { ...SMALL, leaves: false, fine: true },
  'transactions: two messages': { ...CHAIN, partitions: ['cc'] },
  'transactions: a message of the color, and one without': { ...CHAIN, partitions: ['cu'] },
  'transactions: a crash': { ...CHAIN, crashes: 1, stable: true },
};

/** Explored by `npm run model`: minutes. */
export const FULL_WORLDS: Readonly<Record<string, World>> = {
  ...BOUNDED_WORLDS,
  'two messages, from nothing': { ...SMALL, partitions: ['cc'], running: false },
  'a color, no color, another color': { ...SMALL, partitions: ['cud'] },
  'a zombie of two': { ...SMALL, moves: 1 },
  'a crash, from nothing': { ...SMALL, crashes: 1, running: false },
  'a crash and a zombie': { ...SMALL, crashes: 1, moves: 1 },
  'two epochs and a zombie': { ...SMALL, epochs: 2, leaves: false, moves: 1 },
  'two epochs and a crash': { ...SMALL, epochs: 2, leaves: false, crashes: 1 },
  'two messages, two epochs, the second left too': { ...SMALL, partitions: ['cc'], epochs: 2 },
  'two partitions, left': { ...SMALL, partitions: ['c', 'c'], baseline: 1 },
  'two epochs, and the broker forgets': {
    ...{ ...SMALL, baseline: 1, epochs: 2, leaves: false },
    ...{ crashes: 1, forgets: 2 },
  },
  'two colored processes': { ...SMALL, colored: 2 },
  'two colored processes, one a zombie': { ...SMALL, baseline: 1, colored: 2, moves: 1 },
  'transactions: two of the baseline': { ...CHAIN, baseline: 2 },
  'every step by itself, left': { ...SMALL, fine: true },
  'every step by itself, two epochs': { ...SMALL, baseline: 1, epochs: 2, leaves: false, fine: true },
  'every step by itself, a zombie': { ...SMALL, leaves: false, moves: 1, fine: true },
};

/** For each rule the world in which its absence shows, and what then happens. */
export const FAULTS: Readonly<Record<Rule, { readonly world: World; readonly fault: RegExp }>> = {
  fences: { world: { ...SMALL, leaves: false, running: false }, fault: /^lost/ },
  'refresh-after-assignment': {
    world: { ...SMALL, running: false },
    fault: /^handled twice.* by baseline, then by colored/,
  },
  'proof-by-commit': { world: SMALL, fault: /^handled twice.* by baseline, then by colored/ },
  'max-with-stop': { world: SMALL, fault: /^handled twice.* by colored, then by baseline/ },
  'max-with-leave-before': {
    world: { ...SMALL, epochs: 2, leaves: false },
    fault: /^handled twice.* by colored, then by colored/,
  },
  drain: { world: SMALL, fault: /^lost/ },
  'proof-in-one-generation': { world: SMALL, fault: /^handled twice.* by baseline, then by colored/ },
  'commit-once': { world: SMALL, fault: /^lost/ },
  'wait-for-the-fence': { world: SMALL, fault: /^handled twice.* by baseline, then by colored/ },
  'wait-for-the-leave-fence': { world: SMALL, fault: /^lost/ },
  'refresh-of-the-colored': {
    world: { ...SMALL, baseline: 1 },
    fault: /^handled twice.* by colored, then by baseline/,
  },
  'proof-of-the-stop': {
    world: { ...SMALL, baseline: 1, colored: 2 },
    fault: /^handled twice.* by colored, then by baseline/,
  },
  'stop-after-leaving': { world: SMALL, fault: /^handled twice.* by colored, then by baseline/ },
  'empty-after-joining': {
    world: { ...SMALL, running: false },
    fault: /^handled twice.* by baseline, then by colored/,
  },
  'read-after-empty': {
    world: { ...SMALL, crashes: 1 },
    fault: /^handled twice.* by baseline, then by colored/,
  },
  'fold-before-delete': { world: SMALL, fault: /^handled twice.* by colored, then by baseline/ },
  'read-past-before-delete': { world: SMALL, fault: /^handled twice.* by colored, then by baseline/ },
  'ask-before-believing': { world: { ...SMALL, partitions: ['cc'] }, fault: /^lost/ },
  'keep-progress': {
    world: { ...SMALL, baseline: 1, crashes: 1, forgets: 1 },
    fault: /^handled twice.* by colored, then by/,
  },
  'epochs-grow': {
    world: { ...SMALL, partitions: ['cc'], baseline: 1, epochs: 2, leaves: false, fine: true },
    fault: /^handled twice/,
  },
  'one-commit-at-a-time': {
    world: { ...CHAIN, baseline: 2 },
    fault: /^handled twice.* by baseline, then by baseline/,
  },
  'repeat-what-stands': { world: CHAIN, fault: /^lost/ },
  'not-behind-open': { world: { ...CHAIN, partitions: ['cu'] }, fault: /^lost/ },
  'wait-for-the-application': { world: CHAIN, fault: /^lost/ },
  'forget-what-is-given-up': { world: CHAIN, fault: /^stuck/ },
  'delete-before-absent': {
    world: { ...SMALL, baseline: 1, epochs: 2, leaves: false, crashes: 1 },
    fault: /^handled twice.* by colored, then by colored/,
  },
};

/** What is not prevented: the model finds it, and docs/faults.md says when it can happen. */
export const LIMITS: Readonly<
  Record<string, { readonly world: World; readonly fault: RegExp; readonly full?: true }>
> = {
  'a transaction is committed after its group was seen without members': {
    world: { ...CHAIN, crashes: 1 },
    fault: /^handled twice.* by baseline, then by colored/,
  },
  'a member that lost its partition makes a boundary after the epoch is over, and one with an old view believes it':
    {
      world: { ...CHAIN, aborts: 0, moves: 1, stable: true },
      fault: /^lost/,
      full: true,
    },
};
