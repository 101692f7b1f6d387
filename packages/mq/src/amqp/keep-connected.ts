import { warnOnce } from '@colorway/core';
import { callSafely, defaultReporter } from '@colorway/core/background';

/** What is called on a connection of amqplib. */
export interface AmqpConnection {
  on(event: 'close' | 'error', listener: (error?: Error) => void): unknown;
  close(): Promise<void>;
}

export interface KeepConnectedOptions {
  /** The pause before the first new try, in milliseconds; it doubles up to `maxDelayMs`. Default 100. */
  readonly initialDelayMs?: number;
  /** Default 10,000. */
  readonly maxDelayMs?: number;
  /** Told of each connection that broke and each try that failed. Default: one process warning. */
  readonly onError?: (error: unknown) => void;
}

export interface KeptConnection {
  /** Ends the connection and all trying. Idempotent. */
  close(): Promise<void>;
}

/**
 * Connects, sets up, and does both again whenever the connection breaks: what amqplib 2 has as `recovery`, for amqplib 1.
 *
 *     const kept = await keepConnected(() => amqplib.connect(url), async (connection) => {
 *       const channel = coloredChannel(coloring, await connection.createConfirmChannel());
 *       await channel.assertQueue('orders');
 *       await channel.consume('orders', handle);
 *     });
 *
 * What the first connecting or set-up throws is thrown, so that a wrong set-up is seen at the start. Between a break and the
 * next set-up, what is called on the old channels rejects or throws, as amqplib does.
 */
export async function keepConnected<Connection extends AmqpConnection>(
  connect: () => Promise<Connection>,
  setup: (connection: Connection) => Promise<unknown> | unknown,
  options: KeepConnectedOptions = {},
): Promise<KeptConnection> {
  const { initialDelayMs = 100, maxDelayMs = 10_000, onError = warn } = options;
  let connection: Connection | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function open(): Promise<void> {
    const opened = await connect();
    let broken: Error | undefined;
    opened.on('error', (error) => {
      broken = error;
    });
    try {
      const lost = new Promise<never>((_resolve, reject) => {
        opened.on('close', (error) => {
          reject(error ?? broken ?? new Error('The connection closed.'));
          if (connection === opened) reopen(error ?? broken, initialDelayMs);
        });
      });
      lost.catch(() => {}); // told below, or by `reopen`
      // A set-up that waits for a connection that is gone would wait for ever.
      await Promise.race([setup(opened), lost]);
    } catch (error) {
      await opened.close().catch(() => {}); // broken already; why is what is thrown
      throw error;
    }
    connection = opened;
    if (isClosed) await opened.close().catch(() => {}); // broken already, and not wanted any more
  }

  function reopen(error: unknown, delayMs: number): void {
    connection = undefined;
    if (isClosed) return;
    callSafely(defaultReporter(), 'onError of keepConnected', () => onError(error));
    // Keeps the process alive, as an open connection does.
    timer = setTimeout(() => {
      open().catch((again: unknown) => reopen(again, Math.min(maxDelayMs, delayMs * 2)));
    }, delayMs);
  }

  await open();
  return {
    async close() {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(timer);
      await connection?.close().catch(() => {}); // broken already, and not wanted any more
    },
  };
}

function warn(error: unknown): void {
  const reason = error instanceof Error ? error.message : 'it closed';
  warnOnce('COLORWAY_AMQP_RECONNECTING', `A connection to RabbitMQ broke (${reason}); it is made again.`);
}
