/** The small world that is explored: everything that can happen in it does, in every order. */
export interface World {
  /** A partition each, a character a message: `c` of the color, `d` of another color, `u` uncolored. */
  readonly partitions: readonly string[];
  /** How often the color joins; it may leave after each. */
  readonly epochs: number;
  /** Whether the color can leave in its last epoch. */
  readonly leaves: boolean;
  /** Processes of the baseline. */
  readonly baseline: 1 | 2;
  /** Processes that can hold partitions of the colored group at once: the second is a twin, or one that drains. */
  readonly colored: 1 | 2;
  /** How many crashes of any process. */
  readonly crashes: number;
  /** How many rebalances that nobody asked for, and session time-outs of living processes (zombies). */
  readonly moves: number;
  /** How often the broker forgets the offsets of the colored group while it has no members. Default 0. */
  readonly forgets?: number;
  /**
   * The application commits, in transactions: what it handles counts when its transaction is committed. A member that
   * begins in a partition ends the transaction that was open there, as a transactional id for each partition does.
   */
  readonly chain?: boolean;
  /** How many transactions are given up: their messages come again. Default 0. */
  readonly aborts?: number;
  /**
   * Offsets of a group without members are read when no transaction can commit others any more: what a broker does for
   * whoever asks for stable offsets. Without it see {@link import('./worlds.js').LIMITS}.
   */
  readonly stable?: boolean;
  /** Begin with one baseline process that holds everything, rather than with nothing at all. */
  readonly running?: boolean;
  /**
   * Take every step by itself. Otherwise steps that nobody else can tell apart are one: to take a message and
   * to handle it, to learn of a generation and to refresh the view, to claim the closing and to delete the
   * group; nobody learns of states that say nothing new; what makes no difference any more is forgotten.
   */
  readonly fine?: boolean;
  /** The rule that is taken out. */
  readonly without?: Rule;
}

/** What can be taken out, and what that means here. Those of the design's table come first. */
export const RULES = {
  fences: 'skip while the color is registered, start at the end of the log',
  'refresh-after-assignment': '2a: the baseline works with the view that it has',
  'proof-by-commit': '2b: a fence is made at the position where a member believes to stand',
  'max-with-stop': 'the leave fence is the position of the baseline',
  'max-with-leave-before': 'the join fence is the position of the baseline',
  drain: 'the epoch ends with the leave fences',
  'proof-in-one-generation': 'a commit that the client retried in a newer generation counts as a proof',
  'commit-once': 'the client retries commits in a newer generation; they do not count as a proof',
  'wait-for-the-fence': 'a baseline that knows of the color, without a fence, handles its messages',
  'wait-for-the-leave-fence':
    'a baseline that knows that the color leaves, without a fence, goes on skipping',
  'refresh-of-the-colored': 'a member of the colored group works with the view that it has',
  'proof-of-the-stop': 'the colored side stops where it believes to stand',
  'stop-after-leaving': 'the colored group is seen empty before `leaving` is written',
  'empty-after-joining': 'the baseline group is seen empty before `joining` is written',
  'read-after-empty': "an empty group's offsets are read before it is seen empty",
  'delete-before-absent': "the broker's group is deleted after the epoch was closed",
  'fold-before-delete':
    'the fences of an epoch that is over are deleted, and the entry does not say what it had',
  'read-past-before-delete': 'the entry is deleted before the baseline has read past what the color had',
  'ask-before-believing': 'what a watch tells of a color that a read found gone is believed',
  'keep-progress': 'what the colored group had committed is not kept, and the broker forgets it',
  'one-commit-at-a-time': 'the adapter commits while a transaction has offsets that are not committed',
  'repeat-what-stands': 'a proof commits the position, though the application commits',
  'not-behind-open': 'what is passed over is committed, though messages before it are not',
  'wait-for-the-application':
    'a member that is done commits behind messages that the application has not committed',
  'forget-what-is-given-up': 'a message that was given up, and is the color’s now, holds up commits',
  'epochs-grow': 'after its entry was deleted, the epochs of a color begin at 1 again',
} as const;

export type Rule = keyof typeof RULES;

export const COLOR = 'feat';
export const OTHER_COLOR = 'other';
export const BASELINE = 0;
export const COLORED = 1;
