import { StringDecoder } from 'node:string_decoder';

/** Far above what 100,000 instances take: something that sends more is no directory. */
const MAX_BYTES = 268_435_456;

export async function wholeText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`its answer is longer than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The lines of a body, as they come. A line that is not ended when the body is, is one too. */
export async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let parts: string[] = [];
  let length = 0;
  for await (const chunk of body) {
    const [first = '', ...more] = decoder.write(Buffer.from(chunk)).split('\n');
    parts.push(first);
    length += first.length;
    if (length > MAX_BYTES) throw new Error(`a line of its answer is longer than ${MAX_BYTES} bytes`);
    for (const next of more) {
      yield parts.join('');
      parts = [next];
      length = next.length;
    }
  }
  if (length > 0) yield parts.join('');
}
