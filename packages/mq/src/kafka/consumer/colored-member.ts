import type { Color, Coloring } from '@colorway/core';
import type {
  AssignerFactory,
  ConsumerClient,
  ConsumerConfigLike,
  KafkaClient,
  RunConfig,
} from '../client-types.js';
import type { GroupAdmin } from '../group-admin.js';
import type { TopicHandover } from '../handover/topic-handover.js';
import type { CheckLog } from '../messages/another-log.js';
import type { Discarded } from '../messages/discarded.js';
import { GroupMember } from '../messages/group-member.js';
import type { Turns } from '../messages/turns.js';
import type { KafkaPolicy } from '../options.js';
import { ColoredSteps } from '../partitions/colored-steps.js';
import type { HeldPartition } from '../partitions/held-partition.js';
import { GroupSession } from './group-session.js';

/** An application that commits as its consumer runs has done so long before. */
const LONG_MS = 10_000;

export interface ColoredMemberOptions {
  readonly coloring: Coloring;
  readonly kafka: KafkaClient;
  readonly admin: GroupAdmin;
  readonly color: Color;
  /** The colored group, as the broker knows it. */
  readonly group: string;
  readonly config: Omit<ConsumerConfigLike, 'groupId'>;
  readonly topics: ReadonlyMap<string, TopicHandover>;
  readonly run: RunConfig;
  readonly drains?: boolean;
  /** Of the handlers, which others call too. */
  readonly turns?: Turns | undefined;
  readonly policy: KafkaPolicy | undefined;
  /** Before messages are given up: how many there are. */
  readonly onDiscard: (discarded: Discarded) => Promise<void>;
  /** Nothing is left for this member in any topic. */
  readonly onFinished: () => void;
  /** Sees to it that what is known is of the topic as it is now. Default: nothing. */
  readonly checkLog?: CheckLog;
  /** A partition waits for its join fence. */
  readonly onJoinFenceMissing?: () => void;
  /** The consumer and its session where they are made already. */
  readonly made?: { readonly consumer: ConsumerClient; readonly session: GroupSession };
}

/** A member of a colored group: of the colored instance itself, or of a baseline one that drains for it. */
export class ColoredMember {
  readonly consumer: ConsumerClient;
  readonly member: GroupMember;
  readonly #options: ColoredMemberOptions;

  constructor(options: ColoredMemberOptions) {
    this.#options = options;
    const { coloring, kafka, admin, color, group, config, topics, run, made } = options;
    const { consumer, session } = made ?? makeConsumer(kafka, group, config);
    this.consumer = consumer;
    const member = new GroupMember({
      coloring,
      consumer,
      session,
      topics,
      run,
      drains: options.drains ?? false,
      turns: options.turns,
      policy: options.policy,
      onDiscard: options.onDiscard,
      ...(options.checkLog && { checkLog: options.checkLog }),
    });
    this.member = member;
    member.onFinished = () => {
      if (this.#isFinished()) options.onFinished();
    };
    member.start(
      new ColoredSteps({
        color,
        session,
        commits: member.commits,
        byHand: run.autoCommit === false,
        ...(options.checkLog && { checkLog: options.checkLog }),
        later: (held, ms) => member.later(held, ms),
        logStartOf: async (held) => (await admin.logs(held.topic)).get(held.partition)?.low,
        committedOf: async (held) => (await admin.committed(group, held.topic)).get(held.partition),
        close: (held, why) => {
          member.close(held, why);
          if (why === 'join-fence') options.onJoinFenceMissing?.();
          if (why === 'application-commit') this.#awaitsCommit(held);
        },
        open: (held) => member.open(held),
        closeAtFirst: (held) => member.closeAtFirst(held),
        seek: (held, offset) => {
          const { topic, partition } = held;
          consumer.seek({ topic, partition, offset: offset.toString() });
        },
        decided: (of, owner) => member.decided(of, owner),
        drains: options.drains ?? false,
      }),
    );
  }

  end(): void {
    this.member.end();
  }

  /** The status of a consumer says it too; a member that drains is nobody's consumer. */
  #awaitsCommit({ topic, partition, waitingSince }: HeldPartition): void {
    if (performance.now() - waitingSince < LONG_MS) return;
    const { coloring, group } = this.#options;
    coloring.reporter.once(
      'COLORWAY_COMMIT_AWAITED',
      `Group ${group}, topic ${topic}, partition ${partition}: the color leaves, and its last messages were handled but not committed by the application (autoCommit: false). Commit their offsets, or leave with discard.`,
      `${group} ${topic} ${partition}`,
    );
  }

  #isFinished(): boolean {
    const { topics, color, drains } = this.#options;
    if (!this.member.joined) return false;
    for (const { table } of topics.values()) {
      const kind = table.colors.get(color)?.handover.kind ?? 'absent';
      if (!drains && kind !== 'draining' && kind !== 'absent') return false;
    }
    for (const held of this.member.all()) if (!held.finished) return false;
    return true;
  }
}

/** What the client runs: each batch goes through the member, and is resolved there. */
export function innerRun(member: GroupMember): RunConfig {
  const { eachMessage: _, ...rest } = member.run;
  return { ...rest, eachBatchAutoResolve: false, eachBatch: member.onBatch };
}

/** How long an idle fetch waits at the broker: so long a partition that was opened, or sought, may wait to be read. */
const MAX_WAIT_MS = 500;
/** The generation is known for sure with the first heartbeat after a rebalance, where no batch comes before it. */
const HEARTBEAT_MS = 1_000;

/** A consumer of the client whose membership is watched. Only what the user leaves open is set. */
export function makeConsumer(
  kafka: KafkaClient,
  groupId: string,
  config: Omit<ConsumerConfigLike, 'groupId'>,
): { readonly consumer: ConsumerClient; readonly session: GroupSession } {
  const session = new GroupSession(groupId);
  const { sessionTimeout = 30_000 } = config;
  const partitionAssigners: AssignerFactory[] = session.assigners(config.partitionAssigners);
  const consumer = kafka.consumer({
    maxWaitTimeInMs: MAX_WAIT_MS,
    heartbeatInterval: Math.min(HEARTBEAT_MS, Math.floor(sessionTimeout / 3)),
    ...config,
    groupId,
    partitionAssigners,
  } as never) as unknown as ConsumerClient;
  session.watch(consumer);
  return { consumer, session };
}
