import { type Coloring, quote, warnOnce } from '@colorway/core';
import { join } from '../ownership/handover-state.js';
import { BaselineSteps } from './baseline-steps.js';
import { checkEnvironment } from './check-environment.js';
import type {
  ConsumerClient,
  ConsumerConfigLike,
  KafkaClient,
  RunConfig,
  Subscription,
} from './client-types.js';
import { coloredGroup } from './colored-group.js';
import { ColoredMember, innerRun, makeConsumer } from './colored-member.js';
import { type ConsumerPhase, type ConsumerStatus, consumerStatus } from './consumer-status.js';
import { Custodian } from './custodian.js';
import { inDrain } from './drain-context.js';
import { Drains } from './drains.js';
import type { GroupAdmin } from './group-admin.js';
import { GroupMember } from './group-member.js';
import type { GroupSession } from './group-session.js';
import type { HeldPartition } from './held-partition.js';
import { type MqRuntime, runtimeOf } from './mq-runtime.js';
import type { TopicHandover } from './topic-handover.js';

/** What a wrapped consumer does where it differs from the client's. */
export class WrappedConsumer {
  readonly consumer: ConsumerClient;
  member: GroupMember | undefined;
  readonly #coloring: Coloring;
  readonly #kafka: KafkaClient;
  readonly #admin: GroupAdmin;
  readonly #config: ConsumerConfigLike;
  readonly #runtime: MqRuntime;
  readonly #group: string;
  readonly #brokerGroup: string;
  readonly #session: GroupSession;
  readonly #subscribed = new Map<string, { readonly fromBeginning: boolean }>();
  #topics: ReadonlyMap<string, TopicHandover> = new Map();
  #custodians: Custodian[] = [];
  #releases: (() => unknown)[] = [];
  #phase: ConsumerPhase = 'stopped';
  /** Grows with each run and each stop: what was begun before is over. */
  #turn = 0;

  constructor(coloring: Coloring, kafka: KafkaClient, admin: GroupAdmin, config: ConsumerConfigLike) {
    this.#coloring = coloring;
    this.#kafka = kafka;
    this.#admin = admin;
    this.#config = config;
    this.#runtime = runtimeOf(coloring);
    this.#group = config.groupId;
    const { color } = coloring;
    this.#brokerGroup = color === undefined ? this.#group : coloredGroup(this.#group, color);
    const { consumer, session } = makeConsumer(kafka, this.#brokerGroup, config);
    this.consumer = consumer;
    this.#session = session;
    consumer.on(consumer.events.CRASH as never, ({ payload }) => {
      // With `restart` the client comes back by itself.
      if ((payload as { readonly restart: boolean }).restart) return;
      this.#turn++;
      return this.#close();
    });
  }

  /** As the client's. Patterns are matched here, against the topics of now as the client does, for the names matter. */
  async subscribe({ topic, topics, fromBeginning = false }: Subscription): Promise<void> {
    const wanted = topics ?? (topic === undefined ? [] : [topic]);
    const names: string[] = [];
    const used = this.#admin.use();
    try {
      const all = wanted.some((one) => one instanceof RegExp) ? await this.#admin.topics() : [];
      for (const one of wanted) {
        if (one instanceof RegExp) names.push(...all.filter((name) => one.test(name)));
        else names.push(one);
      }
    } finally {
      await used();
    }
    // The client says what is wrong with an empty subscription, and that it runs already.
    await this.consumer.subscribe({ ...(wanted.length > 0 && { topics: names }), fromBeginning } as {
      topics: string[];
    });
    for (const name of names) this.#subscribed.set(name, { fromBeginning });
  }

  async run(run: RunConfig = {}): Promise<void> {
    if (this.#phase === 'left') await this.#close();
    if (this.#phase !== 'stopped') {
      // The client says that it runs already. It must never get handlers that do not go through us.
      if (this.member !== undefined) await this.consumer.run(innerRun(this.member));
      return;
    }
    const turn = ++this.#turn;
    this.#phase = 'starting';
    try {
      await this.#open();
      const { color } = this.#coloring;
      if (color === undefined) await this.#runBaseline(run);
      else {
        const joined = await this.#join(color);
        if (joined) await this.#runColored(color, run);
        else {
          // Started with the application, so it does not wait for another color's end to be drained.
          void this.#runWhenFree(color, run, turn).catch((error: unknown) => this.#failed(error));
        }
      }
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#turn++;
    await this.consumer.stop();
    await this.#close();
  }

  async disconnect(): Promise<void> {
    this.#turn++;
    await this.consumer.disconnect();
    await this.#close();
  }

  seek(topic: string, partition: number, offset: string): void {
    if (this.member === undefined) this.consumer.seek({ topic, partition, offset });
    else this.member.seek(topic, partition, offset);
  }

  pauses(what: 'pause' | 'resume', topics: [] | undefined): void {
    if (this.member === undefined) this.consumer[what](topics ?? []);
    else this.member.pauses[what](topics);
  }

  async commitOffsets(topics: [] | undefined): Promise<void> {
    // The message being drained is another group's, which commits for itself.
    if (inDrain()) return;
    await (this.consumer as ConsumerClient & { commitOffsets(topics?: []): Promise<void> }).commitOffsets(
      topics,
    );
  }

  status(): ConsumerStatus {
    return consumerStatus(this.#group, this.#brokerGroup, this.#coloring.color, this.#phase, this.member);
  }

  /** Nothing runs before the directory has answered, and before what it says of every topic is known. */
  async #open(): Promise<void> {
    await this.#coloring.answeredView();
    this.#releases = [this.#runtime.useGroup(this.#group), this.#admin.use()];
    const status = (): ConsumerStatus => this.status();
    this.#runtime.consumers.add(status);
    this.#releases.push(() => this.#runtime.consumers.delete(status));
    this.#releases.push(this.#coloring.onClose('drain', () => this.stop()));
    await this.#runtime.claimGroupName(this.#group);
    await checkEnvironment(this.#coloring, this.#brokerGroup);
    const topics = new Map<string, TopicHandover>();
    for (const topic of this.#subscribed.keys()) {
      const { handover, release } = this.#runtime.useHandover(this.#group, topic);
      topics.set(topic, handover);
      this.#releases.push(release);
    }
    this.#topics = topics;
    await Promise.all([...topics.values()].map((handover) => handover.refresh()));
  }

  async #close(): Promise<void> {
    if (this.#phase === 'stopped') return;
    this.#phase = 'stopped';
    this.member?.end();
    this.member = undefined;
    for (const custodian of this.#custodians.splice(0)) custodian.stop();
    for (const release of this.#releases.splice(0)) await release();
  }

  async #runBaseline(run: RunConfig): Promise<void> {
    // Before the group is joined: no later start in a partition is below these.
    const starts = new Map<string, ReadonlyMap<number, bigint>>();
    for (const [topic, { fromBeginning }] of this.#subscribed) {
      // Not for a topic that the broker has yet to make.
      starts.set(
        topic,
        await this.#admin.starts(topic, fromBeginning).catch(() => new Map<number, bigint>()),
      );
    }
    const member = new GroupMember({
      coloring: this.#coloring,
      consumer: this.consumer,
      session: this.#session,
      topics: this.#topics,
      run,
    });
    this.member = member;
    const startOf = async ({ topic, partition }: HeldPartition): Promise<bigint> => {
      const committed = (await this.#admin.committed(this.#group, topic)).get(partition);
      // A partition that is newer than this consumer starts somewhere at or behind its beginning.
      return (
        committed ??
        starts.get(topic)?.get(partition) ??
        (await this.#admin.starts(topic, true)).get(partition) ??
        0n
      );
    };
    member.start(
      new BaselineSteps({
        session: this.#session,
        startOf,
        decided: (color, owner) => member.decided(color, owner),
      }),
    );
    const { groupId: _, ...config } = this.#config;
    const drains = new Drains({
      coloring: this.#coloring,
      kafka: this.#kafka,
      admin: this.#admin,
      config,
      topics: this.#topics,
      run,
      onFailed: (error) => this.#failed(error),
      onDone: () => {
        for (const custodian of this.#custodians) custodian.look();
      },
    });
    this.#watchOver((handover, fromBeginning) => ({
      handover,
      fromBeginning,
      drain: (color, onLeave) => drains.wanted(color, onLeave),
    }));
    this.#phase = 'running';
    await this.consumer.run(innerRun(member));
  }

  /** False when the color still leaves: what it left is drained first. */
  async #join(color: string): Promise<boolean> {
    for (const handover of this.#topics.values()) {
      const siblings = await this.#runtime.siblings(this.#group, handover.topic, color);
      if (siblings.some(({ kind }) => kind === 'leaving' || kind === 'draining')) return false;
    }
    for (const handover of this.#topics.values()) {
      const joined = await handover.transition(color, join);
      if (joined.kind === 'refused' && joined.reason === 'still-leaving') return false;
    }
    return true;
  }

  async #runColored(color: string, run: RunConfig): Promise<void> {
    const colored = new ColoredMember({
      coloring: this.#coloring,
      kafka: this.#kafka,
      admin: this.#admin,
      color,
      group: this.#brokerGroup,
      config: this.#config,
      topics: this.#topics,
      run,
      made: { consumer: this.consumer, session: this.#session },
      onFinished: () => this.#leave(),
      onJoinFenceMissing: () => {
        for (const custodian of this.#custodians) custodian.look();
      },
    });
    this.member = colored.member;
    const waits = (of: string): boolean => {
      if (of !== color) return false;
      for (const { waiting } of colored.member.all()) if (waiting === 'join-fence') return true;
      return false;
    };
    this.#watchOver((handover, fromBeginning) => ({ handover, fromBeginning, attention: waits }));
    this.#phase = 'running';
    await colored.run();
    for (const custodian of this.#custodians) custodian.look();
  }

  async #runWhenFree(color: string, run: RunConfig, turn: number): Promise<void> {
    this.#phase = 'waiting-for-drain';
    this.#watchOver((handover, fromBeginning) => ({ handover, fromBeginning }));
    while (turn === this.#turn) {
      await this.#change();
      if (turn !== this.#turn) return;
      if (!(await this.#join(color).catch(() => false))) continue;
      for (const custodian of this.#custodians.splice(0)) custodian.stop();
      if (turn === this.#turn) await this.#runColored(color, run);
      return;
    }
  }

  /** Until the directory tells of a change, at most a second. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      const stops = [...this.#topics.values()].map((handover) => handover.onChange(() => done()));
      const timer = setTimeout(() => done(), 500).unref();
      const done = (): void => {
        clearTimeout(timer);
        for (const stop of stops) stop();
        resolve();
      };
    });
  }

  /** The color has left, and all that it owned is handled: the group must be empty for its end. */
  #leave(): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'left';
    const turn = this.#turn;
    void this.consumer
      .stop()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        if (turn === this.#turn) for (const custodian of this.#custodians) custodian.look();
      });
  }

  #watchOver(
    options: (
      handover: TopicHandover,
      fromBeginning: boolean,
    ) => Omit<ConstructorParameters<typeof Custodian>[0], 'runtime' | 'admin'>,
  ): void {
    for (const [topic, handover] of this.#topics) {
      const { fromBeginning = false } = this.#subscribed.get(topic) ?? {};
      const custodian = new Custodian({
        runtime: this.#runtime,
        admin: this.#admin,
        ...options(handover, fromBeginning),
      });
      this.#custodians.push(custodian);
      custodian.start();
    }
  }

  #failed(error: unknown): void {
    warnOnce(
      `COLORWAY_CONSUMER_FAILED ${this.#brokerGroup} ${String(error)}`,
      `Consumer group ${quote(this.#brokerGroup)}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
