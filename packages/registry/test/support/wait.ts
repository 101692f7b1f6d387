/** Waits until `check` holds. Says what was waited for when it never does. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    if (await check()) return;
    await pause(5);
  }
  throw new Error(`It was waited ${timeoutMs} ms in vain for: ${what}.`);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
