import { closeSync, openSync, readSync } from 'node:fs';
import type { Handled } from './history.js';

/** A consumer was dealt partitions: a new generation of its group. */
export interface Joined {
  readonly event: 'joined';
  readonly side?: string;
  readonly by: string;
  readonly at: number;
}

/** What the consumers' processes wrote, read as far as it stands. */
export class Journal {
  readonly handled: Handled[] = [];
  readonly joined: Joined[] = [];
  readonly ids = new Set<string>();
  readonly #file: number;
  #rest = Buffer.alloc(0);
  readonly #buffer = Buffer.alloc(1 << 20);

  constructor(path: string) {
    this.#file = openSync(path, 'a+');
  }

  /** Takes in the lines that came since. */
  read(): void {
    for (;;) {
      const size = readSync(this.#file, this.#buffer);
      if (size === 0) return;
      const text = Buffer.concat([this.#rest, this.#buffer.subarray(0, size)]);
      const end = text.lastIndexOf('\n') + 1;
      this.#rest = text.subarray(end);
      for (const line of text.subarray(0, end).toString().split('\n')) if (line !== '') this.#take(line);
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #take(line: string): void {
    const entry = JSON.parse(line) as Handled | Joined;
    if ('event' in entry) this.joined.push(entry);
    else {
      this.handled.push(entry);
      this.ids.add(entry.id);
    }
  }
}
