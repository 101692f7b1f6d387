import { type Scope, sleep, unlessAborted } from '@colorway/core/background';
import type { AmqpChannel } from './amqp-channel.js';
import type { Consumers } from './consumers.js';
import { allTaken } from './presences.js';

const LOOK_EVERY_MS = 20;

/**
 * For `coloring.close()`: ends the consumers at the broker, and resolves when the broker has taken the acknowledgement of all
 * that was in hand. Also when the channel has closed: then the broker delivers that again. When the scope has ended before,
 * what is in hand is waited for no more, and neither is a broker that does not answer.
 */
export async function pauseChannel(channel: AmqpChannel, consumers: Consumers, scope: Scope): Promise<void> {
  if (scope.isDisposed) return;
  let isGone = false;
  channel.once('close', () => {
    isGone = true;
  });
  const pause = async (signal: AbortSignal): Promise<void> => {
    const isOver = () => isGone || signal.aborted;
    await consumers.pause();
    while (consumers.held > 0 && !isOver()) await sleep(LOOK_EVERY_MS, signal);
    if (isOver()) return;
    consumers.foreign.flush();
    await allTaken(channel);
    await consumers.presences.releaseAll();
  };
  try {
    await scope.run('pausing a channel', (signal) => unlessAborted(signal, pause(signal)));
  } catch (error) {
    // Either has ended what was waited for.
    if (!isGone && !scope.isDisposed) throw error;
  }
}
