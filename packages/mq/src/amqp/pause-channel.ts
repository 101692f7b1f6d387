import { type Scope, sleep } from '@colorway/core/background';
import type { AmqpChannel } from './amqp-channel.js';
import type { Consumers } from './consumers.js';
import { allTaken } from './presences.js';

const LOOK_EVERY_MS = 20;

/**
 * For `coloring.close()`: ends the consumers at the broker, and resolves when the broker has taken the acknowledgement of all
 * that was in hand. Also when the channel has closed: then the broker delivers that again. When the scope has ended before,
 * what is in hand is waited for no more.
 */
export async function pauseChannel(channel: AmqpChannel, consumers: Consumers, scope: Scope): Promise<void> {
  let isGone = false;
  const isOver = () => isGone || scope.isDisposed;
  channel.once('close', () => {
    isGone = true;
  });
  try {
    await consumers.pause();
    while (consumers.held > 0 && !isOver()) await sleep(LOOK_EVERY_MS);
    if (isOver()) return;
    consumers.foreign.flush();
    await allTaken(channel);
    await consumers.presences.releaseAll();
  } catch (error) {
    if (!isGone) throw error;
  }
}
