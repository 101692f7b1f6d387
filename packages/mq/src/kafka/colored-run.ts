import { setTimeout as sleep } from 'node:timers/promises';
import { type Color, isColorwayError } from '@colorway/core';
import { join } from '../ownership/handover-state.js';
import { checkEnvironment } from './check-environment.js';
import { ColoredMember } from './colored-member.js';
import type { ConsumerRun, ConsumerSetting } from './consumer-setting.js';
import { Custody, targetOf } from './custody.js';
import type { GroupMember } from './group-member.js';

/** For what no watch tells of. */
const LOOK_EVERY_MS = 5_000;
const PAUSE_MS = 100;

/** One run of a colored consumer: it joins, leaves when its membership ends, and comes back with it. */
export class ColoredRun implements ConsumerRun {
  phase: ConsumerRun['phase'] = 'starting';
  member: GroupMember | undefined;
  readonly #setting: ConsumerSetting;
  readonly #color: Color;
  readonly #custody: Custody;
  readonly #stopped = new AbortController();

  constructor(setting: ConsumerSetting, color: Color) {
    this.#setting = setting;
    this.#color = color;
    this.#custody = new Custody(setting, {
      mayDrain: async (of, onLeave) => this.#mayDrain(of, onLeave === 'discard'),
      attention: (of) => of === color && this.#waitsForJoinFence(),
    });
  }

  /** @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN` */
  async start(): Promise<void> {
    const joined = await this.#join();
    this.#custody.start();
    if (joined) return this.#run();
    // Started with the application, so it does not wait for what an earlier end left to be drained.
    this.phase = 'waiting-for-drain';
    void this.#comeBack(async () => true);
  }

  ending(): void {
    this.#stopped.abort();
  }

  stop(): void {
    this.#stopped.abort();
    this.member?.end();
    this.#custody.stop();
  }

  /** False when the color still leaves: what it left is drained first. */
  async #join(): Promise<boolean> {
    const { coloring, leaving, topics, runtime, group, brokerGroup } = this.#setting;
    const targets = this.#targets();
    await checkEnvironment(coloring, brokerGroup);
    if ((await leaving.join(targets)) === 'leaving') return false;
    for (const { topic } of topics.values()) {
      const siblings = await runtime.siblings(group, topic, this.#color);
      if (siblings.some(({ kind }) => kind === 'leaving' || kind === 'draining')) return false;
    }
    for (const handover of topics.values()) {
      const joined = await handover.transition(this.#color, join);
      if (joined.kind === 'refused' && joined.reason === 'still-leaving') return false;
    }
    return leaving.confirm(targets);
  }

  async #run(): Promise<void> {
    const { coloring, kafka, admin, brokerGroup, config, topics, run, consumer, session, leaving, group } =
      this.#setting;
    const colored = new ColoredMember({
      ...{ coloring, kafka, admin, config, topics, run, color: this.#color, group: brokerGroup },
      made: { consumer, session },
      onFinished: () => this.#leave(),
      onJoinFenceMissing: () => this.#custody.look(),
      onDiscard: ({ topic, part, messages }) =>
        leaving.discarding(targetOf(group, topic), this.#color, part, messages),
    });
    this.member?.end();
    this.member = colored.member;
    this.phase = 'running';
    try {
      await colored.run();
      session.mustCommit();
    } catch (error) {
      this.phase = 'waiting-for-drain';
      throw error;
    }
    this.#custody.look();
  }

  /** The color has left, and all that it owned is handled: the group must be empty for its end. */
  #leave(): void {
    if (this.phase !== 'running') return;
    this.phase = 'left';
    const { consumer, failed } = this.#setting;
    void consumer
      .stop()
      .catch(failed)
      .then(() => {
        if (this.#over) return;
        this.member?.end();
        this.#custody.look();
        void this.#comeBack(() => this.#isWantedAgain());
      });
  }

  /** Joins as soon as it is wanted, and nothing of the last time is left. */
  async #comeBack(isWanted: () => Promise<boolean>): Promise<void> {
    const { failed } = this.#setting;
    while (!this.#over) {
      const changed = this.#change();
      try {
        if (await isWanted()) {
          if ((await this.#join()) && !this.#over) return await this.#run();
        }
      } catch (error) {
        // The environment ended meanwhile: there may be another one. Or the directory is away, and comes back.
        if (isColorwayError(error) && error.code === 'COLORWAY_ENVIRONMENT_UNKNOWN') this.phase = 'left';
        else if (!this.#over) failed(error);
      }
      // What it writes itself is a change too.
      await Promise.all([changed, sleep(PAUSE_MS, undefined, { ref: false })]);
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

  get #over(): boolean {
    return this.#stopped.signal.aborted;
  }

  #targets() {
    return Array.from(this.#setting.topics.keys(), (topic) => targetOf(this.#setting.group, topic));
  }

  /** Until the directory tells of a change, but not for long. */
  #change(): Promise<void> {
    const { topics, leaving } = this.#setting;
    const { signal } = this.#stopped;
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
