import type { Coloring, StateStore } from '@colorway/core';
import { Leaving } from './leaving.js';

const LEAVING = Symbol.for('colorway.mq.leaving.1');

/** One for each coloring, also where this package is loaded twice; `undefined` where the directory has no state half. */
export function leavingOf(coloring: Coloring, state: StateStore): Leaving;
export function leavingOf(coloring: Coloring): Leaving | undefined;
export function leavingOf(
  coloring: Coloring,
  state: StateStore | undefined = coloring.directory.state,
): Leaving | undefined {
  if (state === undefined) return undefined;
  const globals = globalThis as { [LEAVING]?: WeakMap<Coloring, Leaving> };
  globals[LEAVING] ??= new WeakMap();
  let leaving = globals[LEAVING].get(coloring);
  if (leaving === undefined) {
    leaving = new Leaving(coloring, state);
    globals[LEAVING].set(coloring, leaving);
  }
  return leaving;
}
