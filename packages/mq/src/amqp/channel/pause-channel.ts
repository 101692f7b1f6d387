import { quote } from '@colorway/core';
import { type Scope, sleep } from '@colorway/core/background';
import type { AmqpChannel } from '../amqp-channel.js';
import type { Consumers } from '../consuming/consumers.js';
import { allTaken } from '../consuming/presences.js';
import type { ChannelLife } from './channel-life.js';

const LOOK_EVERY_MS = 20;
/** So long a broker gets to answer; one that is silent gives out again what was not acknowledged, whatever is done here. */
const ANSWER_MS = 4_000;

export interface PausedChannel {
  readonly channel: AmqpChannel;
  readonly consumers: Consumers;
  readonly life: ChannelLife;
  /** The channel's. */
  readonly scope: Scope;
  /** Resolves when all that is held back has been sent. */
  flushed(): Promise<void>;
}

/**
 * For `coloring.close()`: ends the consumers at the broker, and resolves when the broker has taken the acknowledgement of all
 * that was in hand. Also when the channel has closed, or its socket: then the broker delivers that again. When the scope has ended
 * before, what is in hand is waited for no more. A broker that does not answer is not waited for: only handlers are.
 */
export async function pauseChannel(paused: PausedChannel): Promise<void> {
  const { scope } = paused;
  if (scope.isDisposed) return;
  await scope.run('pausing a channel', (signal) => pause(paused, signal));
}

async function pause(
  { channel, consumers, life, scope, flushed }: PausedChannel,
  signal: AbortSignal,
): Promise<void> {
  const isOver = (): boolean => life.isGone || signal.aborted;

  /** Whether the broker has answered. A refusal that does not come from the channel's end is thrown. */
  async function answered(question: Promise<unknown>): Promise<boolean> {
    const outcome: { isIn: boolean; failure?: { readonly error: unknown } } = { isIn: false };
    question.then(
      () => {
        outcome.isIn = true;
      },
      (error: unknown) => {
        outcome.failure = { error };
      },
    );
    const until = performance.now() + ANSWER_MS;
    // A turn first: most have their answer soon, and what has none is nobody's to wait for.
    await Promise.resolve();
    while (!outcome.isIn && outcome.failure === undefined && !isOver() && performance.now() < until)
      await sleep(LOOK_EVERY_MS, signal);
    if (outcome.failure !== undefined && !isOver() && !life.isClosing) throw outcome.failure.error;
    return outcome.isIn;
  }

  let isSilent = !(await answered(consumers.pause()));
  if (isSilent) consumers.abandon();
  while (consumers.held > 0 && !isOver()) await sleep(LOOK_EVERY_MS, signal);
  if (isOver()) return;
  consumers.foreign.flush();
  isSilent ||= !(await answered(allTaken(channel)));
  isSilent ||= !(await answered(Promise.all([consumers.presences.releaseAll(), flushed()])));
  if (!isSilent || isOver()) return;
  consumers.abandon();
  const queues = consumers.queues.map((queue) => quote(queue)).join(', ');
  scope.reporter.once(
    'COLORWAY_BROKER_SILENT',
    `RabbitMQ has not answered within ${ANSWER_MS} ms while the coloring closed: its consumers (of ${queues || 'no queue'}) may stand until ` +
      'the connection ends, and what it was not told of is delivered again. Close the connection.',
    queues,
  );
}
