import { type Color, isColorwayError } from '@colorway/core';
import { sleep, unlessAborted } from '@colorway/core/background';
import { join } from '../../ownership/handover-state.js';
import { keepProgressAtStop } from '../handover/progress-keeper.js';
import { knownLogs } from '../handover/renew-handover.js';
import { TopicCustody } from '../handover/topic-custody.js';
import type { GroupMember } from '../messages/group-member.js';
import { checkEnvironment } from './check-environment.js';
import { ColoredMember, innerRun } from './colored-member.js';
import type { Membership, MembershipSetting } from './membership.js';
import { watchStuck } from './stuck-watch.js';

/** For what no watch tells of. */
const LOOK_EVERY_MS = 5_000;
const PAUSE_MS = 100;
const COME_BACK = 'COLORWAY_REJOIN_FAILED';

/** A colored consumer while it runs: it joins, leaves when its membership ends, and comes back with it. */
export class ColoredMembership implements Membership {
  phase: Membership['phase'] = 'starting';
  member: GroupMember | undefined;
  readonly #setting: MembershipSetting;
  readonly #color: Color;
  readonly #custody: TopicCustody;

  constructor(setting: MembershipSetting, color: Color) {
    this.#setting = setting;
    this.#color = color;
    this.#custody = new TopicCustody(setting, {
      mayDrain: async (of, onLeave) => this.#mayDrain(of, onLeave === 'discard'),
      attention: (of) => of === color && this.#waitsForJoinFence(),
    });
    const { scope, coloring, brokerGroup } = setting;
    scope.defer(() => this.member?.end());
    watchStuck({
      ...{ scope, coloring, group: brokerGroup, member: () => this.member },
      startAgain: () => this.#startAgain(),
    });
    keepProgressAtStop(setting, color, () => this.member?.joined ?? false);
  }

  /** @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN` */
  async start(): Promise<void> {
    const joined = await this.#join();
    this.#custody.start();
    if (joined) return this.#run();
    // Started with the application, so it does not wait for what an earlier end left to be drained.
    this.phase = 'waiting-for-drain';
    this.#setting.scope.spawn('come back', (signal) => this.#comeBack(signal, async () => true));
  }

  /** False when the color still leaves: what it left is drained first. */
  async #join(): Promise<boolean> {
    const { coloring, leaving, topics, runtime, brokerGroup, session } = this.#setting;
    const targets = this.#targets();
    await checkEnvironment(coloring, brokerGroup);
    if ((await leaving.join(targets)) !== 'joined') return false;
    const [any] = topics.values();
    const standing = any === undefined ? [] : await runtime.consumed(any, this.#color);
    if (standing.some(({ kind }) => kind === 'leaving' || kind === 'draining')) return false;
    const asked = Array.from(topics, async ([topic, handover]) => {
      // The upkeep of the topic finds it out, should it not be known now.
      const log = await session.topicId(topic, knownLogs(handover, this.#color)).catch(() => undefined);
      return { handover, log };
    });
    for (const { handover, log } of await Promise.all(asked)) {
      const joined = await handover.transition(this.#color, (state, now) => join(state, now, log));
      if (joined.kind === 'refused' && joined.reason === 'still-leaving') return false;
    }
    return leaving.confirm(targets);
  }

  async #run(): Promise<void> {
    const {
      coloring,
      kafka,
      admin,
      brokerGroup,
      config,
      topics,
      run,
      client,
      session,
      leaving,
      targetOf,
      scope,
      turns,
      policy,
    } = this.#setting;
    scope.signal.throwIfAborted();
    const colored = new ColoredMember({
      ...{ coloring, kafka, admin, config, topics, run, turns, policy },
      ...{ color: this.#color, group: brokerGroup },
      made: { consumer: client.consumer, session },
      onFinished: () => this.#leave(),
      checkLog: (topic, of) => this.#custody.checkLog(topic, of),
      onJoinFenceMissing: () => this.#custody.look(),
      onDiscard: ({ topic, part, messages }) =>
        leaving.discarding(targetOf(topic), this.#color, part, messages),
    });
    this.member?.end();
    this.member = colored.member;
    this.phase = 'running';
    try {
      // The stop waits for the client itself.
      await unlessAborted(scope.signal, client.run(innerRun(colored.member)));
      session.mustCommit();
    } catch (error) {
      this.phase = 'waiting-for-drain';
      throw error;
    }
    this.#custody.look();
  }

  async #startAgain(): Promise<void> {
    const { client, scope } = this.#setting;
    const { member } = this;
    await client.stop();
    if (member === undefined || this.phase !== 'running' || scope.isDisposed) return;
    await unlessAborted(scope.signal, client.run(innerRun(member)));
  }

  /** The color has left, and all that it owned is handled: the group must be empty for its end. */
  #leave(): void {
    const { client, scope } = this.#setting;
    if (this.phase !== 'running' || scope.isDisposed) return;
    this.phase = 'left';
    scope.spawn('leave', async (signal) => {
      await client.stop();
      this.member?.end();
      this.#custody.look();
      await this.#comeBack(signal, () => this.#isWantedAgain());
    });
  }

  /** Joins as soon as it is wanted, and nothing of the last time is left. */
  async #comeBack(signal: AbortSignal, isWanted: () => Promise<boolean>): Promise<void> {
    const { coloring, brokerGroup } = this.#setting;
    const subject = `consumer group ${brokerGroup}, to join again`;
    while (!signal.aborted) {
      const changed = this.#change(signal);
      try {
        if ((await isWanted()) && (await this.#join()) && !signal.aborted) return await this.#run();
        coloring.reporter.working(COME_BACK, subject);
      } catch (error) {
        // The environment ended meanwhile: there may be another one. Or the directory is away, and comes back.
        if (isColorwayError(error) && error.code === 'COLORWAY_ENVIRONMENT_UNKNOWN') this.phase = 'left';
        else if (!signal.aborted) coloring.reporter.failing(COME_BACK, subject, error);
      }
      // What it writes itself is a change too.
      await Promise.all([changed, sleep(PAUSE_MS, signal)]);
    }
  }

  async #isWantedAgain(): Promise<boolean> {
    const { leaving } = this.#setting;
    this.#detached ||= await leaving.isDetached(this.#targets(), this.#color);
    return !this.#detached && (await leaving.isMember(this.#color));
  }

  /** Taken out by `leaveGroup`: it comes back when the application calls `run` again. */
  #detached = false;

  /** The baseline's consumers drain where there are any; counting needs no handler, so anybody may. */
  async #mayDrain(of: Color, discards: boolean): Promise<boolean> {
    if (of !== this.#color || this.phase === 'running') return false;
    if (discards) return true;
    const { admin, group, topics } = this.#setting;
    for (const topic of topics.keys()) if (!(await admin.hasMembers(group, topic))) return true;
    return false;
  }

  #waitsForJoinFence(): boolean {
    for (const { waiting } of this.member?.all() ?? []) if (waiting === 'join-fence') return true;
    return false;
  }

  #targets() {
    const { topics, targetOf } = this.#setting;
    return Array.from(topics.keys(), targetOf);
  }

  /** Until the directory tells of a change, but not for long. */
  #change(signal: AbortSignal): Promise<void> {
    const { topics, leaving } = this.#setting;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        for (const stop of stops) stop();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, LOOK_EVERY_MS).unref();
      const stops = [
        leaving.onChange(done),
        ...Array.from(topics.values(), (handover) => handover.onChange(done)),
      ];
      signal.addEventListener('abort', done);
    });
  }
}
