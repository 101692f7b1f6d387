import type { Server } from 'node:net';
import { ColorwayError } from '@colorway/core';
import { within } from '../wait.js';
import { reasonOf, warn } from '../warn.js';

export type CloseTask = () => Promise<void> | void;

/**
 * Does all tasks at once and waits for them at most `ms`. What fails or is late is told as a warning,
 * because the stages after it must come in any case.
 */
export async function closingStage(stage: string, ms: number, tasks: readonly CloseTask[]): Promise<void> {
  const late = () => new ColorwayError('COLORWAY_CLOSED', `it was not done within ${ms} ms`);
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await within(ms, Promise.resolve(task()), late);
      } catch (error) {
        warn(
          'COLORWAY_CLOSE_INCOMPLETE',
          `Closing goes on, but in "${stage}" something failed: ${reasonOf(error)}.`,
        );
      }
    }),
  );
}

/** `node:http`'s server, as far as closing needs it. */
interface KeepsConnections {
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

/**
 * Stops listening and waits until every connection has ended, at most `ms`; then cuts the rest. Idle
 * keep-alive connections are closed at once: nothing would ever end them.
 */
export async function closeServer(server: Server, ms: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  if (!keepsConnections(server)) return within(ms, closed, () => stillConnected(ms));
  server.closeIdleConnections();
  await within(ms, closed, () => stillConnected(ms)).catch((error: unknown) => {
    server.closeAllConnections();
    throw error;
  });
}

function keepsConnections(server: object): server is KeepsConnections {
  return 'closeIdleConnections' in server && 'closeAllConnections' in server;
}

function stillConnected(ms: number): ColorwayError {
  return new ColorwayError('COLORWAY_CLOSED', `the server still has connections after ${ms} ms`);
}
