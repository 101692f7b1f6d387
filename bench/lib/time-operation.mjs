// Nanoseconds of one operation, in a process of its own: warmed up, then the best of several equal batches.

/** @param {() => unknown} operation returns something, so that it cannot be optimised away */
export function timeOperation(operation, batchMs = 60) {
  let iterations = 1_000;
  let sink;
  const batch = () => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < iterations; i++) sink = operation();
    return Number(process.hrtime.bigint() - start);
  };
  for (let spent = batch(); spent < batchMs * 1e6; spent = batch()) iterations *= 2;
  const batches = Array.from({ length: 7 }, () => batch() / iterations);
  globalThis.sink = sink;
  return Math.min(...batches);
}
