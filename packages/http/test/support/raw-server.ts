import { type AddressInfo, createServer, type Socket } from 'node:net';

/** What came over one connection, byte for byte. */
export interface RawRequest {
  readonly head: string;
  /** The header lines, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** What came after the body: nothing, if all is well. */
  rest: string;
}

/** A server that reads HTTP itself, and so sees what a lenient parser would swallow. Answers 200 and closes. */
export class RawServer {
  readonly requests: RawRequest[] = [];
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    let bytes = '';
    let saidContinue = false;
    let request: RawRequest | undefined;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.toString('latin1');
      if (request !== undefined) {
        request.rest += chunk.toString('latin1');
        return;
      }
      const end = bytes.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = bytes.slice(0, end);
      const headers = head
        .split('\r\n')
        .slice(1)
        .map((line) => [line.split(':', 1)[0]?.toLowerCase() ?? '', line.replace(/^[^:]*:\s*/, '')] as const);
      const of = (name: string) => headers.find(([one]) => one === name)?.[1];
      if (of('expect') !== undefined && !saidContinue) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      saidContinue = true;
      const read = bodyOf(bytes.slice(end + 4), of('content-length'), of('transfer-encoding'));
      if (read === undefined) return;
      request = { head, headers, ...read };
      this.requests.push(request);
      /* A little later, so that what does not belong there has come. */
      setTimeout(() => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'), 5);
    });
  }
}

/** `undefined` until the body is complete. */
function bodyOf(
  bytes: string,
  length: string | undefined,
  encoding: string | undefined,
): { body: string; rest: string } | undefined {
  if (encoding === 'chunked') return chunksOf(bytes);
  const count = Number(length ?? 0);
  return bytes.length < count ? undefined : { body: bytes.slice(0, count), rest: bytes.slice(count) };
}

function chunksOf(bytes: string): { body: string; rest: string } | undefined {
  let body = '';
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    if (line === -1) return undefined;
    const text = bytes.slice(at, line);
    if (!/^[0-9a-f]+$/i.test(text)) return { body, rest: `no chunk: ${bytes.slice(at)}` };
    const size = Number.parseInt(text, 16);
    if (bytes.length < line + size + 4) return undefined;
    body += bytes.slice(line + 2, line + 2 + size);
    at = line + size + 4;
    if (size === 0) return { body, rest: bytes.slice(at) };
  }
}
