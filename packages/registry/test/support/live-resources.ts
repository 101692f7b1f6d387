import { createHook } from 'node:async_hooks';
import { cleanUp } from './clean-up.js';
import { until } from './wait.js';

const COUNTED = ['Timeout', 'TCPWRAP', 'TLSWRAP', 'FSEVENTWRAP'];

/** Counts the timers and sockets that are made from now on, also those that keep no process alive. */
export function countResources(): { live(): string[]; settled(): Promise<void> } {
  const live = new Map<number, string>();
  const hook = createHook({
    init: (id, type) => {
      if (COUNTED.includes(type)) live.set(id, `${type} ${ownStack()}`);
    },
    destroy: (id) => void live.delete(id),
  }).enable();
  cleanUp(() => hook.disable());
  // What the test itself waits for, and the other end of a connection, which has no stack, are not ours.
  const isOurs = (made: string): boolean => made.includes('node_modules') || made.includes('/src/');
  const seen = (): string[] => [...live.values()].filter(isOurs);
  return {
    live: seen,
    settled: async () => {
      // What a client library ends a moment later is no leak.
      await until('no timer and no socket', () => seen().length === 0, 5_000).catch(() => {});
      expect(seen()).toEqual([]);
    },
  };
}

function ownStack(): string {
  const lines = (new Error().stack ?? '').split('\n').slice(3);
  return lines.filter((line) => !line.includes('node:internal')).join('\n');
}
