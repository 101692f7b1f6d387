import { type Color, type Coloring, parseColor } from '@colorway/core';
import { callSafely, type Scope } from '@colorway/core/background';
import { detachSubscriptions, endSubscriptions, recordDiscard } from '../../leaving/index.js';
import { type Left, messagesLeft } from '../../ownership/epoch-step.js';
import { leave, type OnLeave } from '../../ownership/handover-state.js';
import type { AdminClient, KafkaClient } from '../client-types.js';
import { GroupAdmin } from '../group-admin.js';
import { type DrainStanding, HandoverReconciler, waitsForConsumer } from '../handover/handover-reconciler.js';
import { mustBeOf, targetOf } from '../handover/subscription-target.js';
import type { TopicHandover } from '../handover/topic-handover.js';
import type { Discarded } from '../messages/discarded.js';
import { type MqRuntime, runtimeOf } from '../mq-runtime.js';
import { awaitAbsent } from './await-absent.js';
import { BackgroundDrains } from './background-drains.js';

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
  /** The cluster whose group it is, where that is known. @internal */
  readonly cluster?: string | undefined;
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
    await departure.release();
    clearInterval(alive);
  }
}

class Departure {
  readonly #coloring: Coloring;
  readonly #options: LeaveGroupOptions;
  readonly #runtime: MqRuntime;
  readonly #admin: GroupAdmin;
  readonly #scope: Scope;
  readonly #leaving = new Map<string, TopicHandover>();
  /** The subscriptions of each topic, and what was counted here of it. */
  readonly #records = new Map<string, { readonly keys: readonly string[]; counts: Record<string, number> }>();
  readonly #reconcilers: HandoverReconciler[] = [];
  readonly #drains: BackgroundDrains;

  constructor(coloring: Coloring, kafka: KafkaClient, options: LeaveGroupOptions) {
    this.#coloring = coloring;
    this.#options = options;
    this.#runtime = runtimeOf(coloring);
    this.#admin = new GroupAdmin(() => kafka.admin() as AdminClient);
    const { group, color } = options;
    this.#scope = coloring.scope.child(`leaveGroup ${group}, ${color}`);
    this.#scope.defer(this.#admin.use());
    // Handlers are the consumers' own; to count needs none.
    this.#drains = new BackgroundDrains({
      ...{ coloring, kafka, admin: this.#admin, scope: this.#scope, group, config: {}, run: {} },
      topics: this.#leaving,
      mayDrain: async (_, onLeave) => onLeave === 'discard',
      isAskedFor: () => true,
      onDiscard: (_, discarded) => this.#discarding(discarded),
      onDrained: () => {
        for (const reconciler of this.#reconcilers) reconciler.look(color);
      },
    });
  }

  /** Marks the subscriptions first: should this process end, the consumers do the rest. */
  async begin(): Promise<void> {
    const { group, topics, color, onLeave } = this.#options;
    const cluster = await this.#runtime.clusterOf(group, this.#admin);
    const clusterId = await this.#admin.clusterId();
    mustBeOf(this.#options.cluster, clusterId, group);
    for (const topic of topics) {
      const target = targetOf(group, topic, clusterId);
      const keys = await detachSubscriptions(this.#runtime.state, target, color, onLeave);
      this.#records.set(topic, { keys, counts: {} });
      const { handover, release } = this.#runtime.useHandover(group, topic, cluster);
      this.#scope.defer(release);
      await handover.refresh();
      const left = await handover.transition(color, (state) => leave(state, state.epoch, onLeave));
      if (left.kind === 'refused' && left.reason === 'not-joined') continue;
      this.#leaving.set(topic, handover);
    }
    for (const [topic, handover] of this.#leaving) this.#watchOver(topic, handover);
  }

  /** How many messages were given up. */
  async end(): Promise<number> {
    const { color, signal } = this.#options;
    await Promise.all(
      Array.from(this.#leaving.values(), (handover) =>
        awaitAbsent(handover, color, {
          isOver: ({ kind }) => kind === 'absent',
          onState: ({ kind, epoch }) =>
            this.#tell({ kind: 'state', topic: handover.topic, state: kind, epoch }),
          signal: this.#endedBy(signal),
        }),
      ),
    );
    let discarded = 0;
    for (const { keys, counts } of this.#records.values()) {
      const all = await endSubscriptions(this.#runtime.state, keys, counts);
      discarded += Object.values(all).reduce((sum, messages) => sum + messages, 0);
    }
    return discarded;
  }

  async release(): Promise<void> {
    await this.#scope.dispose();
  }

  #watchOver(topic: string, handover: TopicHandover): void {
    const { color } = this.#options;
    const reconciler = new HandoverReconciler({
      ...{ scope: this.#scope, runtime: this.#runtime, admin: this.#admin, handover, fromBeginning: true },
      // What it asks for is this color's alone; for others it does what anybody does.
      drain: async (of, standing, left) =>
        of === color ? this.#drain(topic, standing, left) : waitsForConsumer(handover.group, topic),
      draining: (of, standing) => this.#drains.standing(of, standing),
    });
    this.#reconcilers.push(reconciler);
    reconciler.start();
  }

  #drain(topic: string, onLeave: OnLeave, left: readonly Left[]): Promise<DrainStanding> {
    this.#tell({ kind: 'left', topic, messages: messagesLeft(left) });
    return this.#drains.want(this.#options.color, onLeave);
  }

  async #discarding({ topic, partition, part, messages, more }: Discarded): Promise<void> {
    const record = this.#records.get(topic);
    this.#tell({ kind: 'discard', topic, partition, messages: more });
    if (record === undefined) return;
    record.counts[part] = messages;
    for (const key of record.keys) await recordDiscard(this.#runtime.state, key, part, messages);
  }

  #tell(progress: LeaveProgress): void {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return;
    callSafely(this.#coloring.reporter, 'onProgress of leaveGroup', () => onProgress(progress));
  }

  /** Closing the coloring ends the waiting too. */
  #endedBy(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#scope.signal : AbortSignal.any([signal, this.#scope.signal]);
  }
}
