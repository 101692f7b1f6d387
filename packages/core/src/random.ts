/**
 * A random number from 0 up to but not including 1, like `Math.random`, by xorshift32 (Marsaglia 2003):
 * good enough to choose an instance, and without the heap number that each `Math.random()` allocates.
 */
export function createRandom(seed: number = Math.random() * 0xffff_ffff): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}
