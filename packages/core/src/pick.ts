/** What `pick` must know of a candidate. */
export interface Weighted {
  /** Share of the traffic relative to its fellows, above 0. */
  readonly weight: number;
}

/**
 * Power of two choices (Mitzenmacher 2001): of two candidates drawn at random, the cheaper one. With
 * unequal weights each is drawn in proportion to its weight, the same one perhaps twice, so that a
 * light one is not compared on every draw. Pure; time grows with neither the number nor the weights.
 *
 * @param candidates at least one.
 * @param cost the load of a candidate now; lower is better.
 * @param random a number from 0 up to but not including 1, like `Math.random`.
 */
export function pick<T extends Weighted>(
  candidates: readonly [T, ...T[]],
  cost: (candidate: T) => number,
  random: () => number,
): T {
  const count = candidates.length;
  if (count === 1) return candidates[0];
  const first = Math.floor(random() * count);
  const other = Math.floor(random() * (count - 1));
  const second = other >= first ? other + 1 : other;
  const a = candidates[first] as T;
  const b = candidates[second] as T;
  if (a.weight === b.weight) return cheaper(a, b, cost);
  return cheaper(drawn(a, b, random), drawn(a, b, random), cost);
}

function cheaper<T>(a: T, b: T, cost: (candidate: T) => number): T {
  return a === b || cost(a) <= cost(b) ? a : b;
}

function drawn<T extends Weighted>(a: T, b: T, random: () => number): T {
  return random() * (a.weight + b.weight) < a.weight ? a : b;
}
