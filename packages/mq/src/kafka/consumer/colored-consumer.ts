import { type Coloring, type MqPhase, quote } from '@colorway/core';
import { reasonOf, type Scope } from '@colorway/core/background';
import { leavingOf } from '../../leaving/index.js';
import { placeOf } from '../causes.js';
import type {
  ConsumerClient,
  ConsumerConfigLike,
  KafkaClient,
  RunConfig,
  Subscription,
  TopicPartitionOffset,
} from '../client-types.js';
import { coloredGroup } from '../colored-group.js';
import { commitsOf } from '../commits/application-commits.js';
import { type CommittingConsumer, commitByHand } from '../commits/commit-by-hand.js';
import type { GroupAdmin } from '../group-admin.js';
import { targetOf } from '../handover/subscription-target.js';
import type { TopicHandover } from '../handover/topic-handover.js';
import { discardByName } from '../leaving/discard-server.js';
import type { GroupMember } from '../messages/group-member.js';
import { Turns } from '../messages/turns.js';
import { type MqRuntime, runtimeOf } from '../mq-runtime.js';
import type { KafkaPolicy } from '../options.js';
import { overlay } from '../overlay.js';
import { BaselineMembership } from './baseline-membership.js';
import { checkEnvironment, environmentExists } from './check-environment.js';
import { ClientConsumer, type Crash } from './client-consumer.js';
import { innerRun, makeConsumer } from './colored-member.js';
import { ColoredMembership } from './colored-membership.js';
import { consumerStatus } from './consumer-status.js';
import type { GroupSession } from './group-session.js';
import { matchingTopics } from './matching-topics.js';
import type { Membership } from './membership.js';

/** A consumer whose group and messages follow the color of its instance. */
export function wrapConsumer(
  coloring: Coloring,
  kafka: KafkaClient,
  admin: GroupAdmin,
  config: ConsumerConfigLike,
  policy: KafkaPolicy | undefined,
): ConsumerClient {
  const wrapped = new ColoredConsumer(coloring, kafka, admin, config, policy);
  return overlay(wrapped.consumer, {
    subscribe: (subscription: Subscription) => wrapped.subscribe(subscription),
    run: (run?: RunConfig) => wrapped.run(run),
    stop: () => wrapped.stop(),
    disconnect: () => wrapped.disconnect(),
    seek: ({ topic, partition, offset }: { topic: string; partition: number; offset: string }) =>
      wrapped.seek(topic, partition, offset),
    pause: (topics?: []) => wrapped.pauses('pause', topics),
    resume: (topics?: []) => wrapped.pauses('resume', topics),
    paused: () => wrapped.member?.pauses.paused() ?? wrapped.consumer.paused(),
    commitOffsets: (offsets?: TopicPartitionOffset[]) => wrapped.commitOffsets(offsets),
  });
}

/** One run of a consumer: from `run()` until everything that it began has ended. */
interface Run {
  readonly scope: Scope;
  /** Of all that it does, in the scope above; ends before that when the client gave up. */
  readonly work: Scope;
  state: 'opening' | 'running' | 'stopping' | 'failed';
  membership: Membership | undefined;
  /** Set in `failed`. */
  failure: string | undefined;
}

/**
 * What a wrapped consumer does where it differs from the client's: idle -> opening -> running -> stopping -> idle,
 * or `failed` when the client gave up. Everything that a run begins is in its scope, and a stop waits for it.
 */
class ColoredConsumer {
  readonly consumer: ConsumerClient;
  readonly #client: ClientConsumer;
  readonly #coloring: Coloring;
  readonly #kafka: KafkaClient;
  readonly #admin: GroupAdmin;
  readonly #config: ConsumerConfigLike;
  readonly #policy: KafkaPolicy | undefined;
  readonly #runtime: MqRuntime;
  readonly #group: string;
  readonly #brokerGroup: string;
  readonly #session: GroupSession;
  readonly #subscribed = new Map<string, { readonly fromBeginning: boolean }>();
  /** `undefined` while idle. */
  #run: Run | undefined;
  #ending: Promise<void> | undefined;
  #clusterId: string | undefined;

  constructor(
    coloring: Coloring,
    kafka: KafkaClient,
    admin: GroupAdmin,
    config: ConsumerConfigLike,
    policy: KafkaPolicy | undefined,
  ) {
    this.#coloring = coloring;
    this.#kafka = kafka;
    this.#admin = admin;
    this.#config = config;
    this.#policy = policy;
    this.#runtime = runtimeOf(coloring);
    this.#group = config.groupId;
    const { color } = coloring;
    this.#brokerGroup = color === undefined ? this.#group : coloredGroup(this.#group, color);
    const { consumer, session } = makeConsumer(kafka, this.#brokerGroup, config);
    this.consumer = consumer;
    this.#client = new ClientConsumer(consumer, config.retry?.restartOnFailure ?? (async () => true));
    this.#client.onCrash = (crash) => this.#crashed(crash);
    const { reporter } = coloring;
    this.#client.onComeBack = (error) => reporter.failing('COLORWAY_CONSUMER_RESTARTED', this.#name, error);
    this.#client.onJoin = () => reporter.working('COLORWAY_CONSUMER_RESTARTED', this.#name);
    this.#session = session;
  }

  get member(): GroupMember | undefined {
    return this.#run?.membership?.member;
  }

  /** As the client's. Patterns are matched here, against the topics of now as the client does, for the names matter. */
  async subscribe({ topic, topics, fromBeginning = false }: Subscription): Promise<void> {
    const wanted = topics ?? (topic === undefined ? [] : [topic]);
    const names = await matchingTopics(this.#admin, wanted);
    // The client says what is wrong with an empty subscription, and that it runs already.
    await this.consumer.subscribe({ ...(wanted.length > 0 && { topics: names }), fromBeginning } as {
      topics: string[];
    });
    for (const name of names) this.#subscribed.set(name, { fromBeginning });
  }

  /** A stop that comes before it has begun ends it: it resolves then, as the client's does. */
  async run(config: RunConfig = {}): Promise<void> {
    await this.#ending;
    if (this.#run?.state === 'failed' || this.#run?.membership?.phase === 'left') await this.#end();
    if (this.#run !== undefined) {
      // The client says that it runs already. It must never get handlers that do not go through us.
      if (this.member !== undefined) await this.consumer.run(innerRun(this.member));
      return;
    }
    const scope = this.#coloring.scope.child(`consumer of ${this.#brokerGroup}`);
    const work = scope.child('membership');
    const run: Run = { scope, work, state: 'opening', membership: undefined, failure: undefined };
    this.#run = run;
    try {
      await work.run('opening', () => this.#open(run, config));
      if (run.state === 'opening') run.state = 'running';
    } catch (error) {
      const wasEnded = work.isDisposed;
      await this.#end();
      if (!wasEnded) throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#end();
    await this.#client.stop();
  }

  async disconnect(): Promise<void> {
    await this.#end();
    await this.#client.disconnect();
  }

  seek(topic: string, partition: number, offset: string): void {
    if (this.member === undefined) this.consumer.seek({ topic, partition, offset });
    else this.member.seek(topic, partition, offset);
  }

  pauses(what: 'pause' | 'resume', topics: [] | undefined): void {
    if (this.member === undefined) this.consumer[what](topics ?? []);
    else this.member.pauses[what](topics);
  }

  async commitOffsets(offsets: TopicPartitionOffset[] | undefined): Promise<void> {
    const names = { group: this.#group, brokerGroup: this.#brokerGroup };
    const consumer = this.consumer as ConsumerClient & CommittingConsumer;
    await commitByHand(commitsOf(this.#coloring), names, consumer, offsets);
  }

  /** Nothing runs before the directory has answered, and before what it says of every topic is known. */
  async #open(run: Run, config: RunConfig): Promise<void> {
    const coloring = this.#coloring;
    const { color } = coloring;
    const { scope, work } = run;
    scope.defer(coloring.onClose('drain', () => this.stop()));
    scope.defer(coloring.mq.add(() => ({ consumers: [this.#status(run)] })));
    scope.defer(() => coloring.reporter.forget('COLORWAY_CONSUMER_RESTARTED', this.#name));
    await coloring.answeredView(work.signal);
    work.signal.throwIfAborted();
    // What is deferred is released last first, and after the client was stopped.
    work.defer(this.#runtime.useGroup(this.#group));
    work.defer(this.#admin.use());
    await this.#runtime.claimGroupName(this.#group, color, (of) => environmentExists(coloring, of));
    if (color !== undefined) await checkEnvironment(coloring, this.#brokerGroup);
    const reads = this.#subscribed.size > 0;
    const cluster = reads ? await this.#runtime.clusterOf(this.#group, this.#admin) : undefined;
    this.#clusterId = reads ? await this.#admin.clusterId() : undefined;
    work.signal.throwIfAborted();
    const topics = new Map<string, TopicHandover>();
    for (const topic of this.#subscribed.keys()) {
      const { handover, release } = this.#runtime.useHandover(this.#group, topic, cluster);
      topics.set(topic, handover);
      work.defer(release);
    }
    await Promise.all([...topics.values()].map((handover) => handover.refresh()));
    work.signal.throwIfAborted();
    const setting = {
      ...{ coloring, scope: work, topics, run: config, kafka: this.#kafka, admin: this.#admin },
      ...{ runtime: this.#runtime, config: this.#config, client: this.#client, session: this.#session },
      ...{ group: this.#group, brokerGroup: this.#brokerGroup, subscribed: this.#subscribed },
      turns: new Turns(config.partitionsConsumedConcurrently),
      policy: this.#policy,
      leaving: leavingOf(coloring, this.#runtime.state),
      targetOf: (topic: string) => targetOf(this.#group, topic, this.#clusterId),
    };
    const membership =
      color === undefined ? new BaselineMembership(setting) : new ColoredMembership(setting, color);
    run.membership = membership;
    // In parallel with what else ends: a drain may have a message in hand, and so may the client.
    work.spawn('client', (aborted) => this.#stopWhen(aborted));
    await membership.start();
  }

  async #stopWhen(signal: AbortSignal): Promise<void> {
    await aborted(signal);
    await this.#client.stop();
  }

  /** Ends the run, whatever it does now; resolves when nothing of it is left. */
  #end(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return this.#ending ?? Promise.resolve();
    this.#ending ??= (async () => {
      run.state = 'stopping';
      await run.scope.dispose();
      this.#run = undefined;
      this.#ending = undefined;
    })();
    return this.#ending;
  }

  get #name(): string {
    return `Consumer group ${quote(this.#brokerGroup)}`;
  }

  /** With `restart` it comes back by itself. */
  #crashed({ error, restart }: Crash): void {
    const run = this.#run;
    if (restart || run === undefined || run.state === 'stopping') return;
    run.state = 'failed';
    const place = placeOf(error, run.membership?.member?.thrown);
    const at = place === undefined ? '' : ` at ${place}`;
    run.failure = `The client gave up${at}: ${reasonOf(error)}. Mend that, and run the consumer again: it does not come back by itself.`;
    run.scope.reporter.error('COLORWAY_CONSUMER_FAILED', `${this.#name}: ${run.failure}`, {
      subject: this.#brokerGroup,
      error,
    });
    // Others take over what it did beside reading. Its status stays until it runs again, or is ended.
    void run.work.dispose();
    this.#tellLeaves(run);
  }

  /** Whoever waits for it is told that it has failed; where a color is to be discarded, no handler is needed. */
  #tellLeaves({ scope, failure = '' }: Run): void {
    if (scope.isDisposed) return;
    const leaving = leavingOf(this.#coloring, this.#runtime.state);
    for (const topic of this.#subscribed.keys()) {
      const stop = leaving.serve({
        ...targetOf(this.#group, topic, this.#clusterId),
        leave: async (work) => {
          if (work.onLeave === 'discard') return discardByName(this.#coloring, this.#kafka, work);
          work.progress({
            waitingFor: `a consumer of ${this.#group}, which has failed in this process. ${failure}`,
            remedy: 'Mend it and run it again, or end with --on-leave discard',
          });
          await aborted(work.signal);
        },
      });
      scope.signal.addEventListener('abort', () => void stop(), { once: true });
      scope.defer(stop);
    }
  }

  #status(run: Run) {
    const { state, membership } = run;
    const phase: MqPhase =
      state === 'opening' ? 'starting' : state === 'running' ? (membership?.phase ?? 'starting') : state;
    return consumerStatus({
      ...{ group: this.#group, brokerGroup: this.#brokerGroup, color: this.#coloring.color, phase },
      ...{ member: membership?.member, failure: run.failure },
    });
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
