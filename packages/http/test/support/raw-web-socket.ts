import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import http, { type Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type { SocketEvent, SocketLike } from './socket-like.js';

const TEXT = 0x81;
const CLOSE = 0x88;

/** The least of a WebSocket (RFC 6455) over `http.request`: short texts in one frame each, and the close. */
export function openRaw(
  url: string,
  { agent, headers }: { agent: Agent; headers: Readonly<Record<string, string>> },
): SocketLike {
  const events = new EventEmitter({ captureRejections: false });
  let connection: Duplex | undefined;
  const tell = (event: SocketEvent) => void events.emit(event.type, event);
  const request = http.request(url, {
    agent,
    headers: {
      ...headers,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
    },
  });
  request.on('error', (error) => tell({ type: 'error', error }));
  request.on('response', (response) => {
    response.resume();
    tell({ type: 'error', error: new Error(`answered ${response.statusCode}`) });
  });
  request.on('upgrade', (_, socket, head) => {
    connection = socket;
    let bytes = head;
    const read = () => {
      for (let frame = frameOf(bytes); frame !== undefined; frame = frameOf(bytes)) {
        bytes = bytes.subarray(frame.end);
        if (frame.kind === CLOSE) socket.end();
        else tell({ type: 'message', data: frame.text });
      }
    };
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      read();
    });
    socket.on('error', () => {}).on('close', () => tell({ type: 'close' }));
    tell({ type: 'open' });
    read();
  });
  request.end();
  return {
    addEventListener: (type, listener) => void events.on(type, listener),
    send: (text) => void connection?.write(masked(TEXT, Buffer.from(text))),
    close: () => void connection?.write(masked(CLOSE, Buffer.alloc(0))),
  };
}

function frameOf(bytes: Buffer): { kind: number; text: string; end: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const from = short === 126 ? 4 : 2;
  if (bytes.length < from) return undefined;
  const end = from + (short === 126 ? bytes.readUInt16BE(2) : short);
  if (bytes.length < end) return undefined;
  return { kind: bytes[0] ?? 0, text: bytes.subarray(from, end).toString(), end };
}

function masked(kind: number, payload: Buffer): Buffer {
  const mask = Buffer.alloc(4); // zeros change nothing
  return Buffer.concat([Buffer.from([kind, 0x80 | payload.length]), mask, payload]);
}
