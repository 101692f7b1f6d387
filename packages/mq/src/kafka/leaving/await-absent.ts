import { type Color, ColorwayError } from '@colorway/core';
import type { Handover } from '../../ownership/handover-state.js';
import type { TopicHandover } from '../handover/topic-handover.js';

export interface AwaitAbsentOptions {
  readonly isOver: (state: Handover) => boolean;
  /** Told of each state, once. */
  readonly onState?: (state: Handover) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Until a color has left a topic. @throws ColorwayError `COLORWAY_CLOSED` when the signal is aborted before. */
export function awaitAbsent(
  handover: TopicHandover,
  color: Color,
  { isOver, onState = () => {}, signal }: AwaitAbsentOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let told = '';
    const end = (finish: () => void): void => {
      stop();
      signal?.removeEventListener('abort', abort);
      finish();
    };
    const look = (): void => {
      const state = handover.table.colors.get(color)?.handover;
      // It left, and nobody needs to know of it any more.
      if (state === undefined) {
        end(resolve);
        return;
      }
      if (state.kind === 'unreadable') return;
      const now = `${state.kind} ${state.epoch}`;
      if (now !== told) onState(state);
      told = now;
      if (isOver(state)) end(resolve);
    };
    const abort = (): void =>
      end(() =>
        reject(
          new ColorwayError(
            'COLORWAY_CLOSED',
            `Waiting for ${color} to leave was ended; the leaving goes on.`,
          ),
        ),
      );
    const stop = handover.onChange(look);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    else look();
  });
}
