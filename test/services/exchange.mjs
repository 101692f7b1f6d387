// @ts-check
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/**
 * Sends bytes to a TCP server and collects its answer, for servers whose readiness shows in their own protocol.
 *
 * @param {string} address `host:port`
 * @param {Buffer | string} request
 * @param {(answer: Buffer) => boolean} isWhole whether the bytes so far are all that is wanted.
 * @param {{ secure?: boolean }} [options] `secure`: over TLS.
 * @returns {Promise<Buffer>} rejects when the server refuses, hangs up before, or takes more than 2 s.
 */
export function exchange(address, request, isWhole, { secure = false } = {}) {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[|\]$/g, '');
  const to = { host, port: Number(address.slice(at + 1)) };
  return new Promise((resolve, reject) => {
    const connected = () => void socket.write(request);
    const socket = secure ? connectSecurely(to, connected) : connect(to, connected);
    let answer = Buffer.alloc(0);
    socket.setTimeout(2_000, () => socket.destroy(new Error(`${address} did not answer within 2 s`)));
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (!isWhole(answer)) return;
      resolve(answer);
      socket.destroy();
    });
    socket.once('error', reject);
    // After resolve or an error this changes nothing.
    socket.once('close', () => reject(new Error(`${address} closed the connection`)));
  });
}

/**
 * GET with a deadline of 2 s.
 * @param {string} url
 * @returns {Promise<string>} the body; rejects on any status but 2xx.
 */
export async function get(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${body.slice(0, 200)}`);
  return body;
}
