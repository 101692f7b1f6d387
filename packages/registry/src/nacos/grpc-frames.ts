/** A message with few instances has some kilobytes; 10,000 have 4 MiB. */
const MAX_BYTES = 67_108_864;
const HEAD_BYTES = 5;

/** A message as gRPC sends it: uncompressed, its length, its bytes. */
export function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Cuts a stream of bytes into messages. */
export class FrameReader {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** The messages that are whole with this chunk. @throws Error for what is no gRPC. */
  read(chunk: Buffer): Buffer[] {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    const messages: Buffer[] = [];
    while (this.#bytes >= HEAD_BYTES) {
      const head = this.#join(HEAD_BYTES);
      const length = head.readUInt32BE(1);
      if (head[0] !== 0 || length > MAX_BYTES) throw new Error('it sent what is no gRPC message');
      if (this.#bytes < HEAD_BYTES + length) break;
      const whole = this.#join(HEAD_BYTES + length);
      messages.push(whole.subarray(HEAD_BYTES, HEAD_BYTES + length));
      this.#parts = [whole.subarray(HEAD_BYTES + length)];
      this.#bytes -= HEAD_BYTES + length;
    }
    return messages;
  }

  /** Joins no more often than a message needs: a long one comes in many chunks. */
  #join(bytes: number): Buffer {
    if ((this.#parts[0]?.length ?? 0) < bytes) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] as Buffer;
  }
}
