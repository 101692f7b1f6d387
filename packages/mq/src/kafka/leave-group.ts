import { type Color, type Coloring, ColorwayError, parseColor } from '@colorway/core';
import type { Left } from '../ownership/epoch-step.js';
import { leave, type OnLeave } from '../ownership/handover-state.js';
import type { AdminClient, KafkaClient } from './client-types.js';
import { Custodian } from './custodian.js';
import { drainColor } from './drainer.js';
import { GroupAdmin } from './group-admin.js';
import { runtimeOf } from './mq-runtime.js';
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
  /** So many messages of the color will be given up in this partition. */
  | {
      readonly kind: 'discard';
      readonly topic: string;
      readonly partition: number;
      readonly messages: number;
    };

export interface LeaveResult {
  /** Messages that were given up; 0 where they were drained. */
  readonly discarded: number;
}

/**
 * Takes a color out of a consumer group: its messages go to the baseline again, from fences on that both
 * sides agree on, and what lies before them is drained or discarded. Resolves when that is done and the
 * broker's group is deleted. For a color that is not there, at once.
 *
 * With `drain` and a colored consumer that is dead, a consumer of the baseline has to run somewhere: it has the handlers.
 *
 * @throws ColorwayError `COLORWAY_STATE_MISSING`, `COLORWAY_DIRECTORY_FAILED`, `COLORWAY_INVALID_COLOR`
 */
export async function leaveGroup(
  coloring: Coloring,
  kafka: KafkaClient,
  { group, topics, color, onLeave, onProgress = () => {}, signal }: LeaveGroupOptions,
): Promise<LeaveResult> {
  parseColor(color);
  const runtime = runtimeOf(coloring);
  const admin = new GroupAdmin(() => kafka.admin() as AdminClient);
  const releases: (() => unknown)[] = [admin.use()];
  const leaving = new Map<string, TopicHandover>();
  const custodians: Custodian[] = [];
  let discarded = 0;
  let drains: Promise<void> | undefined;

  const drain = (topic: string, standing: OnLeave, left: readonly Left[]): void => {
    onProgress({
      kind: 'left',
      topic,
      messages: left.reduce((sum, { from, to }) => sum + Number(to - from), 0),
    });
    if (standing !== 'discard' || drains !== undefined) return;
    drains = drainColor({
      coloring,
      kafka,
      admin,
      color,
      config: {},
      topics: leaving,
      onLeave: 'discard',
      run: {},
      onDiscard: (of, partition, messages) => {
        discarded += messages;
        onProgress({ kind: 'discard', topic: of, partition, messages });
      },
    })
      .catch(() => {})
      .finally(() => {
        drains = undefined;
        for (const custodian of custodians) custodian.look();
      });
  };

  try {
    for (const topic of topics) {
      const { handover, release } = runtime.useHandover(group, topic);
      releases.push(release);
      await handover.refresh();
      const left = await handover.transition(color, (state) => leave(state, state.epoch, onLeave));
      if (left.kind === 'refused' && left.reason === 'not-joined') continue;
      leaving.set(topic, handover);
    }
    for (const [topic, handover] of leaving) {
      const custodian = new Custodian({
        runtime,
        handover,
        admin,
        fromBeginning: true,
        drain: (of, standing, left) => {
          if (of === color) drain(topic, standing, left);
        },
      });
      custodians.push(custodian);
      custodian.start();
    }
    await Promise.all([...leaving.values()].map((handover) => absent(handover, color, onProgress, signal)));
    await drains;
    return { discarded };
  } finally {
    for (const custodian of custodians) custodian.stop();
    for (const release of releases) await release();
  }
}

function absent(
  handover: TopicHandover,
  color: Color,
  onProgress: (progress: LeaveProgress) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let told = '';
    // What is waited for keeps the process alive: somebody awaits it.
    const alive = setInterval(() => {}, 60_000);
    const end = (finish: () => void): void => {
      clearInterval(alive);
      stop();
      signal?.removeEventListener('abort', abort);
      finish();
    };
    const look = (): void => {
      const state = handover.table.colors.get(color)?.handover;
      if (state === undefined || state.kind === 'unreadable') return;
      const now = `${state.kind} ${state.epoch}`;
      if (now !== told)
        onProgress({ kind: 'state', topic: handover.topic, state: state.kind, epoch: state.epoch });
      told = now;
      if (state.kind === 'absent') end(resolve);
    };
    const abort = (): void =>
      end(() =>
        reject(
          new ColorwayError(
            'COLORWAY_CLOSED',
            `Waiting for ${color} to leave was ended; the leaving goes on.`,
          ),
        ),
      );
    const stop = handover.onChange(look);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    else look();
  });
}
