import { type Color, type Coloring, ColorwayError, count, type SubscriptionTarget } from '@colorway/core';
import { callSafely } from '@colorway/core/background';
import { detachSubscriptions, endSubscriptions } from '../../leaving/index.js';
import type { AmqpChannel } from '../amqp-channel.js';
import { coloringOf } from '../colored-channel.js';
import { brokerIdentity } from '../connection/broker-identity.js';
import { Withdrawal } from './withdrawal.js';

export interface WithdrawOptions {
  /** Whose queue. Default: the color of the channel's instance. */
  readonly color?: Color;
  /** What becomes of the messages that wait: handled, or thrown away. Default `drain`. */
  readonly onLeave?: 'drain' | 'discard';
  /** Told how many messages wait: again and again while they are handled, and once before they are discarded. */
  readonly onProgress?: (progress: WithdrawProgress) => Promise<void> | void;
  /** Stops waiting; the queue then stays, unbound, and can be withdrawn again. */
  readonly signal?: AbortSignal;
  /** How often to look, in milliseconds. Default 200. */
  readonly pollMs?: number;
}

export interface WithdrawProgress {
  readonly step: 'draining' | 'discarding';
  readonly remaining: number;
}

export interface Withdrawn {
  /** How many messages were thrown away. */
  readonly discarded: number;
}

/**
 * Takes the queue that a color has beside `queue` out of service, with its membership standing; where an environment ends, or
 * `environments.withdraw` is called, the consumers of the service do so by themselves. From the first step on new messages
 * of the color go to the baseline; those that wait are handled; then the queue is deleted. Idempotent, also half done.
 *
 * They are handled by the color's own consumers where there are any: those of this process are cancelled when the queue
 * is empty and all has been acknowledged, those of others do the same where the directory has a state half, and else it
 * waits until they are gone. Where there are none, a handler that this process has for `queue` handles them, each in its
 * message's context: that is for a baseline instance, when a color's environment ended without it.
 *
 * What consumers have in hand is waited for, also after they were cancelled or took it by `get`, and if they die it comes back first.
 * Only what a consumer without Colorway has in hand after it was cancelled cannot be seen: close its channel first.
 *
 * @param channel what `coloredChannel` returned
 * @throws ColorwayError `COLORWAY_INVALID_OPTION` where the color is missing, or nobody can drain.
 */
export async function withdrawQueue(
  channel: AmqpChannel,
  queue: string,
  options: WithdrawOptions = {},
): Promise<Withdrawn> {
  const own = coloringOf(channel);
  if (own === undefined) {
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      'withdrawQueue takes a channel that coloredChannel returned.',
    );
  }
  const color = options.color ?? own.color;
  if (color === undefined) {
    throw new ColorwayError('COLORWAY_INVALID_OPTION', 'This instance has no color: give the option color.');
  }
  const { onLeave = 'drain' } = options;
  const cluster = await brokerIdentity(own.state);
  const tell = (progress: WithdrawProgress) => told(own.coloring, options, progress);
  const isDiscarding = onLeave === 'discard';
  const withdrawal = new Withdrawal(own, queue, color, {
    signal: options.signal,
    pollMs: options.pollMs ?? 200,
    isLeaving: async () => true,
    onDrain: ({ remaining }) => tell({ step: 'draining', remaining }),
    onDiscard: () => {},
  });
  // From the record on, others discard too: this is the last moment to say how many there are.
  const waiting = isDiscarding ? await withdrawal.count() : undefined;
  if (waiting !== undefined) await tell({ step: 'discarding', remaining: waiting });
  const target = { broker: 'amqp', group: queue, ...(cluster !== undefined && { cluster }) };
  const end = await detached(own.coloring, target, color, onLeave);
  if (isDiscarding) {
    const discarded = await withdrawal.discard();
    const names = { 'coloring.group': queue, 'coloring.topic': queue, 'coloring.color': color };
    if (discarded > 0) count('coloring.mq.discarded', { ...names, 'coloring.broker': 'amqp' }, discarded);
    return { discarded: await end(discarded) };
  }
  await withdrawal.drain();
  return { discarded: await end(0) };
}

/** Waits for the application's answer; that it fails changes nothing. */
async function told(
  { reporter }: Coloring,
  { onProgress }: WithdrawOptions,
  progress: WithdrawProgress,
): Promise<void> {
  try {
    await onProgress?.(progress);
  } catch (error) {
    callSafely(reporter, 'onProgress of withdrawQueue', () => {
      throw error;
    });
  }
}

/** Records that the color leaves this queue. The result records that it has left, and tells how many messages were given up. */
async function detached(
  { directory: { state } }: Coloring,
  target: SubscriptionTarget,
  color: Color,
  onLeave: 'drain' | 'discard',
): Promise<(discarded: number) => Promise<number>> {
  if (state === undefined) return async (discarded) => discarded;
  const keys = await detachSubscriptions(state, target, color, onLeave);
  return async (discarded) => {
    const counts = await endSubscriptions(state, keys, discarded > 0 ? { 0: discarded } : {});
    return counts[0] ?? 0;
  };
}
