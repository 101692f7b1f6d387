import { backoffMs, sleep, unlessAborted } from '@colorway/core/background';
import { isUnknownTopic } from '../group-admin.js';
import { TopicCustody } from '../handover/topic-custody.js';
import type { CheckLog } from '../messages/another-log.js';
import { GroupMember } from '../messages/group-member.js';
import { BaselineSteps } from '../partitions/baseline-steps.js';
import type { HeldPartition } from '../partitions/held-partition.js';
import { innerRun } from './colored-member.js';
import type { Membership, MembershipSetting } from './membership.js';
import { watchStuck } from './stuck-watch.js';

/** The client tries again by itself too, where it lost its connection. */
const START_ATTEMPTS = 4;

/** A consumer of the baseline while it runs. */
export class BaselineMembership implements Membership {
  phase: Membership['phase'] = 'starting';
  readonly member: GroupMember;
  readonly #setting: MembershipSetting;
  readonly #custody: TopicCustody;
  readonly #starts = new Map<string, ReadonlyMap<number, bigint>>();

  constructor(setting: MembershipSetting) {
    const { coloring, client, session, topics, run, scope, turns, policy } = setting;
    this.#setting = setting;
    this.#custody = new TopicCustody(setting);
    const checkLog: CheckLog = (topic, color) => this.#custody.checkLog(topic, color);
    this.member = new GroupMember({
      ...{ coloring, consumer: client.consumer, session, topics, run, checkLog, turns, policy },
    });
    scope.defer(() => this.member.end());
    watchStuck({
      ...{ scope, coloring, group: setting.brokerGroup, member: () => this.member },
      startAgain: () => this.#startAgain(),
    });
  }

  async start(): Promise<void> {
    const { subscribed, session, client, scope } = this.#setting;
    const { member } = this;
    // Before the group is joined: no later start in a partition is below these.
    for (const [topic, { fromBeginning }] of subscribed) {
      this.#starts.set(topic, await this.#startsIn(topic, fromBeginning));
    }
    member.start(
      new BaselineSteps({
        session,
        commits: member.commits,
        byHand: member.run.autoCommit === false,
        checkLog: (topic, color) => this.#custody.checkLog(topic, color),
        startOf: (held) => this.#startOf(held),
        endOf: async ({ topic, partition }) => (await this.#setting.admin.ends(topic)).get(partition),
        refreshed: (held) => member.kick(held),
        decided: (color, owner) => member.decided(color, owner),
      }),
    );
    this.#custody.start();
    scope.signal.throwIfAborted();
    this.phase = 'running';
    // The stop waits for the client itself.
    await unlessAborted(scope.signal, client.run(innerRun(member)));
    session.mustCommit();
  }

  async #startAgain(): Promise<void> {
    const { client, scope } = this.#setting;
    await client.stop();
    if (!scope.isDisposed) await unlessAborted(scope.signal, client.run(innerRun(this.member)));
  }

  /**
   * None for a topic that the broker has yet to make. Any other error is not taken for that: a fence at the beginning
   * of the log would come of it.
   */
  async #startsIn(topic: string, fromBeginning: boolean): Promise<ReadonlyMap<number, bigint>> {
    const { admin, scope } = this.#setting;
    for (let attempt = 1; ; attempt++) {
      try {
        return await unlessAborted(scope.signal, admin.starts(topic, fromBeginning));
      } catch (error) {
        scope.signal.throwIfAborted();
        if (isUnknownTopic(error)) return new Map();
        if (attempt === START_ATTEMPTS) throw error;
        await sleep(backoffMs(attempt, 2_000), scope.signal);
        scope.signal.throwIfAborted();
      }
    }
  }

  async #startOf({ topic, partition }: HeldPartition): Promise<bigint> {
    const { admin, group } = this.#setting;
    const [committed, logs] = await Promise.all([admin.committed(group, topic), admin.logs(topic)]);
    const log = logs.get(partition);
    const offset = committed.get(partition) ?? this.#starts.get(topic)?.get(partition);
    // One that the log has not reached is of a topic that is gone: the client begins again, as in a new partition.
    if (offset !== undefined && (log === undefined || offset <= log.high)) return offset;
    return log?.low ?? 0n;
  }
}
