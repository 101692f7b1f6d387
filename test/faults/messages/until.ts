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
