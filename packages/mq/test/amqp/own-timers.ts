import { createHook } from 'node:async_hooks';

/** From now on: where the timers were set that are still to come, and that this package has set. */
export function trackOwnTimers(): () => string[] {
  Error.stackTraceLimit = 30;
  const timers = new Map<number, string>();
  createHook({
    init(id, type) {
      if (type === 'Timeout') timers.set(id, new Error('set').stack ?? '');
    },
    destroy(id) {
      timers.delete(id);
    },
  }).enable();
  return () => [...timers.values()].filter((stack) => stack.includes('/packages/mq/src/'));
}
