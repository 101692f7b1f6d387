import type { Coloring } from '@colorway/core';
import type { Leaving } from '../leaving/index.js';
import type { ConsumerClient, ConsumerConfigLike, KafkaClient, RunConfig } from './client-types.js';
import type { GroupAdmin } from './group-admin.js';
import type { GroupMember } from './group-member.js';
import type { GroupSession } from './group-session.js';
import type { MqRuntime } from './mq-runtime.js';
import type { TopicHandover } from './topic-handover.js';

/** What one run of a wrapped consumer has to work with. */
export interface ConsumerSetting {
  readonly coloring: Coloring;
  readonly kafka: KafkaClient;
  readonly admin: GroupAdmin;
  readonly runtime: MqRuntime;
  readonly leaving: Leaving;
  /** Of the user's consumer. */
  readonly config: ConsumerConfigLike;
  readonly consumer: ConsumerClient;
  readonly session: GroupSession;
  /** As the application names it, and as the broker knows it. */
  readonly group: string;
  readonly brokerGroup: string;
  readonly topics: ReadonlyMap<string, TopicHandover>;
  readonly subscribed: ReadonlyMap<string, { readonly fromBeginning: boolean }>;
  /** The user's handlers. */
  readonly run: RunConfig;
  /** Something failed that nobody awaits. */
  readonly failed: (error: unknown) => void;
}

/** One run of a wrapped consumer, of the baseline's or of a color's. */
export interface ConsumerRun {
  readonly phase: 'starting' | 'running' | 'waiting-for-drain' | 'left';
  readonly member: GroupMember | undefined;
  start(): Promise<void>;
  /** The consumer is about to end: nothing is begun any more; what is under way may go on. */
  ending(): void;
  /** Ends all that goes on beside the client's consumer. */
  stop(): void;
}
