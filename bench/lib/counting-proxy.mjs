// A TCP proxy that counts the requests which pass through it, as they stand on the wire.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** The preface of an HTTP/2 connection, and the type of the frames that begin a request (RFC 9113). */
const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const HEADERS = 1;

/** How to count the requests in what a client sends; of the first two small ones alone, that come in one piece. */
const COUNTERS = {
  http1: () => matches(/^(?:GET|POST|PUT|DELETE) [^\r]* HTTP\/1\.1\r$/gm),
  redis: () => matches(/^\*\d+\r\n\$/gm),
  http2: countFrames,
};

/**
 * @param {string} target the URL of a server
 * @param {{ protocol: 'http1' | 'http2' | 'redis', port?: number }} how `port`: that of the server, where not that of the URL
 */
export async function countingProxy(target, { protocol, port: serverPort }) {
  const { protocol: scheme, hostname, port } = new URL(target);
  const sockets = new Set();
  let requests = 0;
  const server = createServer((client) => {
    const count = COUNTERS[protocol]();
    const upstream = connect(serverPort ?? Number(port), hostname);
    client.on('data', (bytes) => {
      requests += count(bytes);
    });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      from.setNoDelay(true);
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${scheme}//127.0.0.1:${server.address().port}`,
    port: server.address().port,
    /** So many came through since it was opened. */
    requests: () => requests,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function matches(pattern) {
  return (bytes) => bytes.toString('latin1').match(pattern)?.length ?? 0;
}

function countFrames() {
  let skip = PREFACE_BYTES;
  let rest = Buffer.alloc(0);
  return (bytes) => {
    let requests = 0;
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= skip + HEAD_BYTES) {
      if (rest[skip + 3] === HEADERS) requests++;
      skip += HEAD_BYTES + rest.readUIntBE(skip, 3);
    }
    const passed = Math.min(skip, rest.length);
    rest = rest.subarray(passed);
    skip -= passed;
    return requests;
  };
}
