import type { Coloring } from '@colorway/core';
import type { ConsumerClient, RunConfig } from '../client-types.js';
import type { GroupSession } from '../consumer/group-session.js';
import type { TopicHandover } from '../handover/topic-handover.js';
import type { KafkaPolicy } from '../options.js';
import type { CheckLog } from './another-log.js';
import type { Discarded } from './discarded.js';
import type { Turns } from './turns.js';

export interface GroupMemberOptions {
  readonly coloring: Coloring;
  readonly consumer: ConsumerClient;
  readonly session: GroupSession;
  readonly topics: ReadonlyMap<string, TopicHandover>;
  readonly run: RunConfig;
  /** Default: nothing is known of a topic. */
  readonly checkLog?: CheckLog;
  /** Of the handlers, where others call them too. Default: its own. */
  readonly turns?: Turns | undefined;
  /** Default: everything is accepted. */
  readonly policy?: KafkaPolicy | undefined;
  /** Its handlers are another consumer's, and run marked (see `inDrain`). */
  readonly drains?: boolean;
  /** Before messages are given up: how many there are. Of a colored group's member alone. */
  readonly onDiscard?: (discarded: Discarded) => Promise<void>;
}
