import type { Color, Coloring } from '@colorway/core';
import { sleep } from '@colorway/core/background';
import { messageColor } from '../../message/index.js';
import { type AmqpMessage, replyCode } from '../amqp-channel.js';
import type { ConnectionState } from '../connection/connection-state.js';
import type { Mode } from '../mode.js';
import { FilterMode } from './filter-mode.js';

const BATCH = 200;
const LOOK_EVERY_MS = 100;

/** Whether a color's queue holds copies of what is the baseline's. */
export function hasCopies(mode: Mode): boolean {
  return mode instanceof FilterMode;
}

export interface DiscardParts {
  readonly coloring: Pick<Coloring, 'carriers'>;
  readonly mode: Mode;
  readonly state: ConnectionState;
}

export interface DiscardOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told before more is given up: how many that is by then. */
  readonly onDiscard: (messages: number) => Promise<void> | void;
}

/**
 * Empties a queue whose messages are partly the color's and partly copies: only the former are given up, and count. `undefined`
 * where there are no copies: then the queue's length says it.
 */
export async function discardCopies(
  { coloring: { carriers }, mode, state }: DiscardParts,
  queue: string,
  name: string,
  color: Color,
  { signal, onDiscard }: DiscardOptions,
): Promise<number | undefined> {
  if (!hasCopies(mode)) return undefined;
  const answered = <T>(answer: Promise<T>): Promise<T> => state.ask(`discarding of ${name}`, () => answer);
  const channel = await answered(state.open());
  const got: AmqpMessage[] = [];
  channel.on('error', () => {}); // the calls below reject
  let discarded = 0;
  try {
    await answered(channel.prefetch(BATCH));
    await answered(channel.consume(name, (message: AmqpMessage | null) => message && got.push(message)));
    for (;;) {
      signal?.throwIfAborted();
      const batch = got.splice(0);
      const last = batch.at(-1);
      if (last === undefined) {
        // The answer comes behind what was ready when it was asked.
        const { messageCount } = await answered(channel.checkQueue(name));
        if (messageCount === 0 && got.length === 0) return discarded;
        if (got.length === 0) await sleep(LOOK_EVERY_MS, signal);
        continue;
      }
      const said = ({ properties }: AmqpMessage) => messageColor(properties.headers, carriers);
      const isOwn = (message: AmqpMessage): boolean =>
        mode.owner(queue, message, said(message), color).kind !== 'foreign';
      const own = batch.filter(isOwn).length;
      discarded += own;
      if (own > 0) await onDiscard(discarded);
      channel.ack(last, true);
    }
  } catch (error) {
    if (replyCode(error) === 404) return discarded; // another one who brings it to its end was faster
    throw error;
  } finally {
    await answered(channel.close()).catch(() => {}); // it is closed already, or nobody answers
  }
}
