// Calls at a steady rate, whatever becomes of those before (an open loop): a stall is met by all calls that fall into it.
// A machine that cannot keep up with the rate leaves calls out, and the rate that is told falls short.

const TICK_MS = 5;
/** What is under way at once, at most: else a machine that is too slow drowns in connections. */
const MAX_PENDING = 1_000;

/**
 * @param {number} rate calls a second
 * @param {(index: number) => Promise<void>} call rejects when it failed
 */
export function steadyLoad(rate, call) {
  const failures = new Map();
  const start = performance.now();
  const pending = new Set();
  let due = 0;
  let sent = 0;
  let failed = 0;
  const timer = setInterval(() => {
    const now = Math.floor(((performance.now() - start) / 1_000) * rate);
    for (; due < now; due++) {
      if (pending.size >= MAX_PENDING) continue;
      const done = call(sent++)
        .catch((error) => {
          failed++;
          const why = String(error?.cause?.message ?? error?.message ?? error).replace(/\d{3,}/g, 'N');
          failures.set(why, (failures.get(why) ?? 0) + 1);
        })
        .finally(() => pending.delete(done));
      pending.add(done);
    }
  }, TICK_MS);
  return {
    /** Ends the load, waits for what is under way, and tells what became of it all. */
    async stop() {
      clearInterval(timer);
      const seconds = (performance.now() - start) / 1_000;
      await Promise.all(pending);
      return { sent, failed, failures, rate: sent / seconds };
    },
  };
}

/** Why calls failed, below a report. */
export function printFailures(failures) {
  for (const [why, count] of failures) console.log(`  ${count} x ${why}`);
}
