import { type Color, type Coloring, parseColor } from '@colorway/core';
import { detachSubscriptions, endSubscriptions, recordDiscard } from '../leaving/index.js';
import type { Left } from '../ownership/epoch-step.js';
import { leave, type OnLeave } from '../ownership/handover-state.js';
import { awaitAbsent } from './await-absent.js';
import type { AdminClient, KafkaClient } from './client-types.js';
import { Custodian } from './custodian.js';
import { targetOf } from './custody.js';
import type { Discarded } from './discarded.js';
import { drainColor } from './drainer.js';
import { GroupAdmin } from './group-admin.js';
import { type MqRuntime, runtimeOf } from './mq-runtime.js';
import type { TopicHandover } from './topic-handover.js';

export interface LeaveGroupOptions {
  /** The baseline's group, as the application names it. */
  readonly group: string;
  readonly topics: readonly string[];
  readonly color: Color;
  /**
   * What becomes of messages that the color owns and did not handle: its own consumer handles them, if it
   * lives, else a baseline consumer of the group (`drain`); or nobody does (`discard`).
   */
  readonly onLeave: OnLeave;
  readonly onProgress?: (progress: LeaveProgress) => void;
  /** Ends the waiting, not the leaving: what was begun is finished by the consumers of the group. */
  readonly signal?: AbortSignal;
}

export type LeaveProgress =
  | { readonly kind: 'state'; readonly topic: string; readonly state: string; readonly epoch: number }
  /** At most so many messages are to be drained, by topic. */
  | { readonly kind: 'left'; readonly topic: string; readonly messages: number }
  /** So many more messages of the color are about to be given up in this partition; told by who counts them. */
  | {
      readonly kind: 'discard';
      readonly topic: string;
      readonly partition: number;
      readonly messages: number;
    };

export interface LeaveResult {
  /** Messages that were given up, by whomever; 0 where they were drained. */
  readonly discarded: number;
}

/**
 * Takes a color out of a consumer group: its messages go to the baseline again, from fences on that both
 * sides agree on, and what lies before them is drained or discarded. Resolves when that is done and the
 * broker's group is deleted. For a color that is not there, at once.
 *
 * The membership of the service stays, so its calls go to the color still, and its consumer does not come
 * back before it is run again. To take a service out of its environment is `environments.withdraw`.
 *
 * With `drain` and a colored consumer that is dead, a consumer of the baseline has to run somewhere: it has the handlers.
 *
 * @throws ColorwayError `COLORWAY_STATE_MISSING`, `COLORWAY_DIRECTORY_FAILED`, `COLORWAY_INVALID_COLOR`
 */
export async function leaveGroup(
  coloring: Coloring,
  kafka: KafkaClient,
  options: LeaveGroupOptions,
): Promise<LeaveResult> {
  parseColor(options.color);
  const departure = new Departure(coloring, kafka, options);
  // What is waited for keeps the process alive: somebody awaits it.
  const alive = setInterval(() => {}, 60_000);
  try {
    await departure.begin();
    return { discarded: await departure.end() };
  } finally {
    clearInterval(alive);
    await departure.release();
  }
}

class Departure {
  readonly #coloring: Coloring;
  readonly #kafka: KafkaClient;
  readonly #options: LeaveGroupOptions;
  readonly #runtime: MqRuntime;
  readonly #admin: GroupAdmin;
  readonly #releases: (() => unknown)[];
  readonly #leaving = new Map<string, TopicHandover>();
  /** The subscriptions of each topic, and what was counted here of it. */
  readonly #records = new Map<string, { readonly keys: readonly string[]; counts: Record<string, number> }>();
  readonly #custodians: Custodian[] = [];
  #discards: Promise<void> | undefined;

  constructor(coloring: Coloring, kafka: KafkaClient, options: LeaveGroupOptions) {
    this.#coloring = coloring;
    this.#kafka = kafka;
    this.#options = options;
    this.#runtime = runtimeOf(coloring);
    this.#admin = new GroupAdmin(() => kafka.admin() as AdminClient);
    this.#releases = [this.#admin.use()];
  }

  /** Marks the subscriptions first: should this process end, the consumers do the rest. */
  async begin(): Promise<void> {
    const { group, topics, color, onLeave } = this.#options;
    for (const topic of topics) {
      const keys = await detachSubscriptions(this.#runtime.state, targetOf(group, topic), color, onLeave);
      this.#records.set(topic, { keys, counts: {} });
      const { handover, release } = this.#runtime.useHandover(group, topic);
      this.#releases.push(release);
      await handover.refresh();
      const left = await handover.transition(color, (state) => leave(state, state.epoch, onLeave));
      if (left.kind === 'refused' && left.reason === 'not-joined') continue;
      this.#leaving.set(topic, handover);
    }
    for (const [topic, handover] of this.#leaving) this.#watchOver(topic, handover);
  }

  /** How many messages were given up. */
  async end(): Promise<number> {
    const { color, onProgress = () => {}, signal } = this.#options;
    await Promise.all(
      Array.from(this.#leaving.values(), (handover) =>
        awaitAbsent(handover, color, {
          isOver: ({ kind }) => kind === 'absent',
          onState: ({ kind, epoch }) =>
            onProgress({ kind: 'state', topic: handover.topic, state: kind, epoch }),
          signal,
        }),
      ),
    );
    await this.#discards;
    let discarded = 0;
    for (const { keys, counts } of this.#records.values()) {
      const all = await endSubscriptions(this.#runtime.state, keys, counts);
      discarded += Object.values(all).reduce((sum, messages) => sum + messages, 0);
    }
    return discarded;
  }

  async release(): Promise<void> {
    for (const custodian of this.#custodians) custodian.stop();
    for (const release of this.#releases.splice(0)) await release();
  }

  #watchOver(topic: string, handover: TopicHandover): void {
    const custodian = new Custodian({
      ...{ runtime: this.#runtime, admin: this.#admin, handover, fromBeginning: true },
      drain: (of, standing, left) => {
        if (of === this.#options.color) this.#drain(topic, standing, left);
      },
    });
    this.#custodians.push(custodian);
    custodian.start();
  }

  /** Handlers are the consumers' own; to count needs none. */
  #drain(topic: string, onLeave: OnLeave, left: readonly Left[]): void {
    const { color, onProgress = () => {} } = this.#options;
    const messages = left.reduce((sum, { from, to }) => sum + Number(to - from), 0);
    onProgress({ kind: 'left', topic, messages });
    if (onLeave !== 'discard' || this.#discards !== undefined) return;
    this.#discards = drainColor({
      ...{ coloring: this.#coloring, kafka: this.#kafka, admin: this.#admin, color, onLeave },
      ...{ config: {}, run: {}, topics: this.#leaving },
      onDiscard: (discarded) => this.#discarding(discarded),
    })
      .catch(() => {}) // It is begun again at the next look.
      .finally(() => {
        this.#discards = undefined;
        for (const custodian of this.#custodians) custodian.look();
      });
  }

  async #discarding({ topic, partition, part, messages, more }: Discarded): Promise<void> {
    const record = this.#records.get(topic);
    this.#options.onProgress?.({ kind: 'discard', topic, partition, messages: more });
    if (record === undefined) return;
    record.counts[part] = messages;
    for (const key of record.keys) await recordDiscard(this.#runtime.state, key, part, messages);
  }
}
