import { deserialize, serialize } from 'node:v8';

/** More than a client may send at once, in bytes: what claims to be longer is no frame of ours. */
const MAX_BYTES = 64 * 1024 * 1024;
const HEAD_BYTES = 4;

/** Of the secret that a URL ends with, in hexadecimal, and that a connection begins with. */
export const SECRET_BYTES = 16;

/** Length, then the value in V8's serialization format, which keeps Buffers. */
export function frame(value: unknown): Buffer {
  const body = serialize(value);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

/** Puts a stream of bytes together to values again. */
export class FrameReader {
  readonly #onValue: (value: unknown) => void;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(onValue: (value: unknown) => void) {
    this.#onValue = onValue;
  }

  /** @throws Error for bytes that are no frames: the connection is of no use any more. */
  read(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= HEAD_BYTES) {
      const all = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
      this.#parts = [all];
      const length = all.readUInt32BE(0);
      if (length > MAX_BYTES) throw new Error(`A frame of ${length} bytes is more than ${MAX_BYTES}.`);
      const end = HEAD_BYTES + length;
      if (all.length < end) return;
      this.#parts = [all.subarray(end)];
      this.#bytes = all.length - end;
      // A copy: what is read out of it keeps its bytes, and they would keep the whole chunk.
      this.#onValue(deserialize(Uint8Array.prototype.slice.call(all, HEAD_BYTES, end)));
    }
  }
}
