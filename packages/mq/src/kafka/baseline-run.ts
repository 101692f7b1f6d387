import { BaselineSteps } from './baseline-steps.js';
import { innerRun } from './colored-member.js';
import type { ConsumerRun, ConsumerSetting } from './consumer-setting.js';
import { Custody } from './custody.js';
import { GroupMember } from './group-member.js';
import type { HeldPartition } from './held-partition.js';

/** One run of a consumer of the baseline. */
export class BaselineRun implements ConsumerRun {
  phase: ConsumerRun['phase'] = 'starting';
  readonly member: GroupMember;
  readonly #setting: ConsumerSetting;
  readonly #custody: Custody;
  readonly #starts = new Map<string, ReadonlyMap<number, bigint>>();

  constructor(setting: ConsumerSetting) {
    const { coloring, consumer, session, topics, run } = setting;
    this.#setting = setting;
    this.#custody = new Custody(setting);
    this.member = new GroupMember({ coloring, consumer, session, topics, run });
  }

  async start(): Promise<void> {
    const { admin, subscribed, session, consumer } = this.#setting;
    const { member } = this;
    // Before the group is joined: no later start in a partition is below these.
    for (const [topic, { fromBeginning }] of subscribed) {
      // Not for a topic that the broker has yet to make.
      const starts = admin.starts(topic, fromBeginning).catch(() => new Map<number, bigint>());
      this.#starts.set(topic, await starts);
    }
    member.start(
      new BaselineSteps({
        session,
        commits: member.commits,
        byHand: member.run.autoCommit === false,
        startOf: (held) => this.#startOf(held),
        decided: (color, owner) => member.decided(color, owner),
      }),
    );
    this.#custody.start();
    this.phase = 'running';
    await consumer.run(innerRun(member));
    session.mustCommit();
  }

  ending(): void {}

  stop(): void {
    this.member.end();
    this.#custody.stop();
  }

  async #startOf({ topic, partition }: HeldPartition): Promise<bigint> {
    const { admin, group } = this.#setting;
    const committed = (await admin.committed(group, topic)).get(partition);
    // A partition that is newer than this consumer starts somewhere at or behind its beginning.
    return (
      committed ??
      this.#starts.get(topic)?.get(partition) ??
      (await admin.starts(topic, true)).get(partition) ??
      0n
    );
  }
}
