import type { FileHandle } from 'node:fs/promises';

const CHUNK_BYTES = 65_536;
/** A line that is longer is no record: see the limit of values. JSON may take six bytes for one character. */
const MAX_LINE_BYTES = 6 * 1_048_576;
const NEWLINE = 10;

/** Reads the lines of a growing file from where it stopped. A line without its newline waits for it. */
export class LogReader {
  readonly #file: FileHandle;
  #position = 0;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** How far the file has been read, in bytes. */
  get position(): number {
    return this.#position;
  }

  /** Hands every whole line up to the end of the file to `take`; empty lines are left out. */
  async readTo(take: (line: string, endsAt: number) => void): Promise<void> {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await this.#file.read(chunk, 0, CHUNK_BYTES, this.#position);
      if (bytesRead === 0) return;
      const start = this.#position;
      this.#position += bytesRead;
      this.#split(chunk.subarray(0, bytesRead), start, take);
    }
  }

  #split(chunk: Buffer, start: number, take: (line: string, endsAt: number) => void): void {
    let from = 0;
    for (let newline = chunk.indexOf(NEWLINE); newline !== -1; newline = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, newline));
      from = newline + 1;
      const line = this.#restBytes <= MAX_LINE_BYTES ? Buffer.concat(this.#rest).toString('utf8') : '';
      this.#rest = [];
      this.#restBytes = 0;
      if (line !== '') take(line, start + from);
    }
    this.#keep(chunk.subarray(from));
  }

  #keep(part: Buffer): void {
    this.#restBytes += part.length;
    if (part.length > 0 && this.#restBytes <= MAX_LINE_BYTES) this.#rest.push(part);
    else if (this.#restBytes > MAX_LINE_BYTES) this.#rest = [];
  }
}
