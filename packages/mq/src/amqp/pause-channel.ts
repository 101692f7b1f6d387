import type { AmqpChannel } from './amqp-channel.js';
import type { Consumers } from './consumers.js';

const LOOK_EVERY_MS = 20;
/** A consumer that nobody has. The broker answers its cancelling, and before that it takes every acknowledgement. */
const NOBODY = 'colorway.closing';

/**
 * For `coloring.close()`: ends the consumers at the broker, and resolves when the broker has taken the acknowledgement of all
 * that was in hand. Also when the channel has closed: then the broker delivers that again.
 */
export async function pauseChannel(channel: AmqpChannel, consumers: Consumers): Promise<void> {
  let isGone = false;
  channel.once('close', () => {
    isGone = true;
  });
  try {
    await consumers.pause();
    while (consumers.held > 0 && !isGone) await pause();
    consumers.foreign.flush();
    await channel.cancel(NOBODY);
  } catch (error) {
    if (!isGone) throw error;
  }
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS).unref());
}
