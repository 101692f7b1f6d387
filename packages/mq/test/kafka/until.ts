import { inspect } from 'node:util';
import type { Directory } from '@colorway/core';
import type { ColoringService } from '@colorway/registry';

/** What a wait that ends in vain tells of: the colorings of a test and the directory that they share. */
export interface Witness {
  readonly directory: Directory;
  readonly colorings: readonly ColoringService[];
}

const witnesses = new Set<Witness>();

/** From here on each wait that ends in vain says what this one knows. Returns how to end that. */
export function bearWitness(witness: Witness): () => void {
  witnesses.add(witness);
  return () => void witnesses.delete(witness);
}

/** @throws Error that says what every coloring and the directory said when the wait had ended in vain. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    if (await check()) return;
    await pause(10);
  }
  throw await inVain(timeoutMs, what);
}

/**
 * Until there are so many. As long as there are more and more of them it is waited, for how long that takes tells of
 * the machine alone.
 */
export async function untilThere(
  what: string,
  count: () => number,
  wanted: number,
  idleMs = 30_000,
): Promise<void> {
  let most = count();
  for (let end = performance.now() + idleMs; most < wanted; ) {
    if (performance.now() > end) throw await inVain(idleMs, `${what}: ${most} of ${wanted} are there`);
    await pause(10);
    const now = count();
    if (now <= most) continue;
    most = now;
    end = performance.now() + idleMs;
  }
}

async function inVain(ms: number, what: string): Promise<Error> {
  const told = await Promise.all([...witnesses].map(tell));
  return new Error([`It was waited ${ms} ms in vain for: ${what}.`, ...told].join('\n'));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function tell({ directory, colorings }: Witness): Promise<string> {
  const statuses = colorings.map((coloring) => {
    const name = coloring.color === undefined ? 'the baseline' : coloring.color;
    return `${name}: ${coloring.scope.isDisposed ? 'closed' : show(coloring.mq.status())}`;
  });
  const list = async (): Promise<string> => show(await directory.state?.list(''));
  const entries = await list().catch((error: unknown) => `not to be read: ${String(error)}`);
  return [...statuses, `directory: ${entries}`].join('\n');
}

function show(value: unknown): string {
  return inspect(value, { depth: 8, maxArrayLength: 200, breakLength: 160 });
}
