import { ColorwayError, quote, type ReplayStore, warnOnce } from '@colorway/core';
import { within } from '@colorway/core/background';

/** Whether a signature is new; `unknown` where nobody can tell. */
export type Newness = 'new' | 'seen' | 'unknown';

/** A request waits for no store longer than this, whatever the store's own limit is. */
const LONGEST_MS = 5_000;

/** Asks a store, at once where it knows at once. Never throws, never rejects. */
export function askWhetherNew(
  store: ReplayStore,
  signature: string,
  endsAt: number,
  clockSkewMs: number,
): Newness | Promise<Newness> {
  try {
    const answer = store.isNew(signature, endsAt, clockSkewMs);
    if (typeof answer === 'boolean') return newnessOf(answer);
    return within(LONGEST_MS, Promise.resolve(answer), late).then(newnessOf, unknown);
  } catch (error) {
    return unknown(error);
  }
}

function newnessOf(answer: unknown): Newness {
  if (typeof answer === 'boolean') return answer ? 'new' : 'seen';
  return unknown(new Error(`it has answered ${quote(answer)}, which is not true or false`));
}

function unknown(error: unknown): Newness {
  warnOnce(
    'COLORWAY_REPLAY_UNKNOWN',
    `The replay store of serviceAuth fails: ${error instanceof Error ? error.message : quote(error)} Until it answers, whenReplayUnknown decides: requests are refused with 503, or their copies are served too.`,
  );
  return 'unknown';
}

function late(): ColorwayError {
  return new ColorwayError(
    'COLORWAY_REPLAY_UNKNOWN',
    `it has not answered within ${LONGEST_MS} ms. Give it a time limit of its own that is shorter.`,
  );
}
