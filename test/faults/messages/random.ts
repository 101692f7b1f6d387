/** Numbers from 0 up to but not including 1, the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** `COLORWAY_SEED`, to replay a run; else one by the clock. */
export function seedOfRun(): number {
  const { COLORWAY_SEED } = process.env;
  if (COLORWAY_SEED === undefined || COLORWAY_SEED === '') return Date.now() % 1_000_000;
  const seed = Number(COLORWAY_SEED);
  if (Number.isInteger(seed) && seed >= 0) return seed;
  throw new Error(`COLORWAY_SEED=${COLORWAY_SEED} must be a whole number from 0.`);
}
