import { warnOnce } from '@colorway/core';
import { callSafely, defaultReporter, Scope, unlessAborted } from '@colorway/core/background';

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
  const scope = new Scope('keepConnected');
  let connection: Connection | undefined;

  async function open(signal: AbortSignal): Promise<void> {
    const opened = await connectUnlessAborted(connect, signal);
    let broken: Error | undefined;
    opened.on('error', (error) => {
      broken = error;
    });
    try {
      const lost = new Promise<never>((_resolve, reject) => {
        opened.on('close', (error) => {
          reject(error ?? broken ?? new Error('The connection closed.'));
          if (connection === opened) reopen(error ?? broken);
        });
      });
      lost.catch(() => {}); // told below, or by `reopen`
      // A set-up that waits for a connection that is gone would wait for ever.
      await unlessAborted(signal, Promise.race([setup(opened), lost]));
    } catch (error) {
      await opened.close().catch(() => {}); // broken already; why is what is thrown
      throw error;
    }
    connection = opened;
  }

  function reopen(error: unknown): void {
    connection = undefined;
    if (scope.isDisposed) return;
    tell(error);
    scope.spawn('connecting again', async (signal) => {
      for (let delayMs = initialDelayMs; ; delayMs = Math.min(maxDelayMs, delayMs * 2)) {
        await pauseAlive(delayMs, signal);
        if (signal.aborted) return;
        try {
          await open(signal);
          return;
        } catch (again) {
          if (signal.aborted) return;
          tell(again);
        }
      }
    });
  }

  function tell(error: unknown): void {
    callSafely(defaultReporter(), 'onError of keepConnected', () => onError(error));
  }

  await open(scope.signal);
  return {
    async close() {
      await scope.dispose();
      const last = connection;
      connection = undefined;
      await last?.close().catch(() => {}); // broken already, and not wanted any more
    },
  };
}

/** A connection that comes too late is closed. */
async function connectUnlessAborted<Connection extends AmqpConnection>(
  connect: () => Promise<Connection>,
  signal: AbortSignal,
): Promise<Connection> {
  const connecting = connect();
  try {
    return await unlessAborted(signal, connecting);
  } catch (error) {
    // Nobody waits for it: what else it comes to is of no matter.
    if (signal.aborted) connecting.then((late) => late.close()).catch(() => {});
    throw error;
  }
}

/** Keeps the process alive, as an open connection does. */
function pauseAlive(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

function warn(error: unknown): void {
  const reason = error instanceof Error ? error.message : 'it closed';
  warnOnce('COLORWAY_AMQP_RECONNECTING', `A connection to RabbitMQ broke (${reason}); it is made again.`);
}
