/** What `pick` must know of a candidate. */
export interface Weighted {
  /** Share of the traffic relative to its fellows, above 0. */
  readonly weight: number;
}

/**
 * Power of two choices (Mitzenmacher 2001): of two candidates drawn at random, the cheaper one. Where
 * weights differ each is drawn in proportion to its weight, the same one perhaps twice. Pure; time grows
 * with neither the number of candidates nor their weights.
 *
 * @param candidates at least one.
 * @param cost the load of a candidate now; lower is better.
 * @param random a number from 0 up to but not including 1, like `Math.random`.
 * @param heaviest the largest weight among the candidates; to be left out where all weigh the same.
 */
export function pick<T extends Weighted>(
  candidates: readonly [T, ...T[]],
  cost: (candidate: T) => number,
  random: () => number,
  heaviest?: number,
): T {
  const count = candidates.length;
  if (count === 1) return candidates[0];
  if (heaviest !== undefined) {
    return cheaper(
      drawByWeight(candidates, heaviest, random),
      drawByWeight(candidates, heaviest, random),
      cost,
    );
  }
  const first = Math.floor(random() * count);
  const other = Math.floor(random() * (count - 1));
  const second = other >= first ? other + 1 : other;
  return cheaper(candidates[first] as T, candidates[second] as T, cost);
}

function cheaper<T>(a: T, b: T, cost: (candidate: T) => number): T {
  return a === b || cost(a) <= cost(b) ? a : b;
}

/** One that is much lighter than the heaviest is turned down often: the last draw stands, so that it ends. */
const MAX_DRAWS = 32;

/** Stochastic acceptance (Lipowski and Lipowska 2012): any one at random, accepted in proportion to its weight. */
function drawByWeight<T extends Weighted>(
  candidates: readonly [T, ...T[]],
  heaviest: number,
  random: () => number,
): T {
  let drawn = candidates[0];
  for (let draws = 0; draws < MAX_DRAWS; draws++) {
    drawn = candidates[Math.floor(random() * candidates.length)] as T;
    if (random() * heaviest < drawn.weight) return drawn;
  }
  return drawn;
}
