import type { Coloring, MqPhase, SubscriptionTarget } from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import type { Leaving } from '../../leaving/index.js';
import type { ConsumerConfigLike, KafkaClient, RunConfig } from '../client-types.js';
import type { GroupAdmin } from '../group-admin.js';
import type { TopicHandover } from '../handover/topic-handover.js';
import type { GroupMember } from '../messages/group-member.js';
import type { Turns } from '../messages/turns.js';
import type { MqRuntime } from '../mq-runtime.js';
import type { KafkaPolicy } from '../options.js';
import type { ClientConsumer } from './client-consumer.js';
import type { GroupSession } from './group-session.js';

/** What one run of a wrapped consumer has to work with. */
export interface MembershipSetting {
  readonly coloring: Coloring;
  /** Owns all that goes on in this run. */
  readonly scope: Scope;
  readonly kafka: KafkaClient;
  readonly admin: GroupAdmin;
  readonly runtime: MqRuntime;
  readonly leaving: Leaving;
  /** How the directory names a topic of the group. */
  readonly targetOf: (topic: string) => SubscriptionTarget;
  /** Of the user's consumer. */
  readonly config: ConsumerConfigLike;
  readonly client: ClientConsumer;
  readonly session: GroupSession;
  /** As the application names it, and as the broker knows it. */
  readonly group: string;
  readonly brokerGroup: string;
  readonly topics: ReadonlyMap<string, TopicHandover>;
  readonly subscribed: ReadonlyMap<string, { readonly fromBeginning: boolean }>;
  /** The user's handlers. */
  readonly run: RunConfig;
  /** Of the handlers: the consumer's own calls and its drains'. */
  readonly turns: Turns;
  /** Of the handlers. */
  readonly policy: KafkaPolicy | undefined;
}

/** A consumer's membership of its group while it runs: of the baseline's or of a color's. */
export interface Membership {
  readonly phase: Extract<MqPhase, 'starting' | 'running' | 'waiting-for-drain' | 'left'>;
  readonly member: GroupMember | undefined;
  /** Resolves when it has joined, or waits for its turn in the background. */
  start(): Promise<void>;
}
