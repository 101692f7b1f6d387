/** A topic of one partition whose messages all have the color; it may be deleted and made again, and the directory emptied. */
export interface IdentityWorld {
  /** How many messages come in each of the topics, one after the other. */
  readonly messages: readonly number[];
  /** How often a process may be started anew. */
  readonly restarts: number;
  /** How often the directory is emptied. Default 0. */
  readonly wipes?: number;
  /** Whether what was handled before the directory was emptied may be handled again, as it is where a color had left. */
  readonly repeats?: boolean;
  /** Whether the color may leave. */
  readonly leaves: boolean;
  /** How often the color may join. Default 1. */
  readonly joins?: number;
  /** Between which steps something may come: of each look at the topic's identity and of a join, or of the upkeep's look. Default none. */
  readonly fine?: 'all' | 'upkeep';
  /** The rule that is taken out. */
  readonly without?: IdentityRule;
}

export const IDENTITY_RULES = {
  'topic-identity': 'the boundaries alone tell whether a topic was made again',
  'check-at-assignment': 'what is known is not checked against the topic before anything is taken',
  'check-when-it-begins-again': 'nor is the topic asked for when a batch begins before what was read',
  'check-where-a-color-starts': 'nor when a batch is the first of a color that has gone to its boundary',
  'ask-for-the-topic-last': 'the id of the topic is asked for before the directory is read',
  'follow-the-color': 'a member of a color that was renewed goes on where it stood in the topic that is gone',
  'put-back-boundaries':
    'boundaries that are known, and that the directory lacks beside a state, are not put back',
  'put-back-later-state': 'nor is a state that is later than the one that who was faster has put back',
  'same-topic-for-a-boundary': 'a boundary is made whichever topic the color and the position are of',
} as const;

export type IdentityRule = keyof typeof IDENTITY_RULES;
