import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Lower-case name and value of each header line. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Sends exactly these bytes and reads what comes until the connection ends; the server is asked to close it. */
export function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from(bytes, 'latin1')));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
  });
}

/** A GET with these header lines, as they stand. */
export async function get(port: number, lines: readonly string[] = [], path = '/'): Promise<RawAnswer> {
  return parseAnswer(await sendRaw(port, requestText('GET', path, lines)));
}

export async function post(port: number, lines: readonly string[], body: string): Promise<RawAnswer> {
  const all = ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`, ...lines];
  return parseAnswer(await sendRaw(port, requestText('POST', '/', all) + body));
}

function requestText(method: string, path: string, lines: readonly string[]): string {
  return [`${method} ${path} HTTP/1.1`, 'host: order', 'connection: close', ...lines, '', ''].join('\r\n');
}

export function parseAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [status = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const body = rest.join('\r\n\r\n');
  const chunked = headers.some(([name]) => name === 'transfer-encoding');
  return { status: Number(status.split(' ')[1]), headers, body: chunked ? dechunk(body) : body };
}

function dechunk(text: string): string {
  let result = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = end === -1 ? 0 : Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return result;
    result += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

export function headerValues(answer: RawAnswer, name: string): string[] {
  return answer.headers.filter(([found]) => found === name).map(([, value]) => value);
}
