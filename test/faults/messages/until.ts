export function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export async function until(what: string, check: () => boolean, timeoutMs: number): Promise<void> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    if (check()) return;
    await pauseFor(20);
  }
  throw new Error(`It was waited ${timeoutMs} ms in vain for: ${what}.`);
}

/**
 * Waits until nothing is left to do, however slow the machine is.
 * @throws Error when no less was left for `stalledMs`.
 */
export async function untilNoneIsLeft(what: string, left: () => number, stalledMs: number): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  for (let since = performance.now(); performance.now() - since < stalledMs; ) {
    const now = left();
    if (now === 0) return;
    if (now < least) {
      least = now;
      since = performance.now();
    }
    await pauseFor(20);
  }
  throw new Error(`${least} were left for ${stalledMs} ms, in vain was waited for: ${what}.`);
}
