/** So many are under way at once. */
const AT_ONCE = 16;

/** Takes the step for each: one that fails stops none of the others. Returns why some failed. */
export async function eachByItself<T>(
  all: readonly T[],
  step: (one: T) => Promise<unknown>,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    // In a promise of its own also where it throws at once.
    const some = all.slice(at, at + AT_ONCE).map(async (one) => step(one));
    for (const done of await Promise.allSettled(some))
      if (done.status === 'rejected') failures.push(done.reason);
  }
  return failures;
}
