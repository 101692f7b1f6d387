// @ts-check
// The other side of watchdog.mjs: lines of JSON come in; when no more can come, what is guarded ends.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** @type {Map<number, string>} process group -> its folder */
const guarded = new Map();

for await (const line of createInterface({ input: process.stdin })) {
  const { pid, folder } = JSON.parse(line);
  if (folder === undefined) guarded.delete(pid);
  else guarded.set(pid, folder);
}

for (const pid of guarded.keys()) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // gone by itself
  }
}
for (const folder of guarded.values()) {
  // A process that is ending may still write.
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      rmSync(folder, { recursive: true, force: true });
      break;
    } catch {
      await sleep(100);
    }
  }
}
