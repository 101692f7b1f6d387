import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const tasks: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const task of tasks.splice(0).reverse()) await task();
});

/** Does this after the test, last in, first out, whatever becomes of it. */
export function cleanUp(task: () => Promise<unknown> | unknown): void {
  tasks.push(task);
}

/** An empty folder for this test alone. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'colorway-test-'));
  cleanUp(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
