import { ColorwayError } from '@colorway/core';
import { type Scope, within } from '@colorway/core/background';

/** A question to the broker that has no answer after so long has none. */
export const ANSWER_MS = 15_000;
/** What is under way when its owner ends gets so long: a broker that lives has answered by then. */
const LATE_MS = 1_000;

/**
 * Asks the broker something as a task of the scope, which ends with it: a broker that is silent holds up no closing.
 *
 * @param scope without it, or where it was disposed before, the question is the caller's alone.
 * @throws ColorwayError `COLORWAY_BROKER_SILENT` without an answer within 15 s; `COLORWAY_CLOSED` when the scope ends before.
 */
export function ask<T>(scope: Scope | undefined, what: string, question: () => Promise<T>): Promise<T> {
  const asked = (answer: Promise<T>): Promise<T> => within(ANSWER_MS, answer, () => silent(ANSWER_MS));
  if (scope === undefined || scope.isDisposed) return asked(question());
  return scope.run(what, (signal) => asked(unlessOver(signal, question())));
}

export function silent(ms: number): ColorwayError {
  return new ColorwayError(
    'COLORWAY_BROKER_SILENT',
    `RabbitMQ has not answered within ${ms} ms. Is the connection blocked, or the broker low on memory or disk?`,
  );
}

/** Rejects with the signal's reason a moment after it is aborted; else the outcome of the promise. */
function unlessOver<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const abort = (): void => {
      timer = setTimeout(() => reject(signal.reason as Error), LATE_MS).unref();
    };
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    });
  });
}
