// @ts-check
import { createServer } from 'node:net';

/*
 * Below 32768 the system takes no port for an outgoing connection (Linux; macOS from 49152). A port from above could, while
 * its server is down, go to a client's connection, even to one that dials this very port and so meets itself.
 */
const LOWEST = 12_000;
const HIGHEST = 30_000;

/**
 * Free ports on 127.0.0.1, one for each offset: 0 is a port of its own, another number lies that far above the first
 * (a Nacos client expects gRPC at HTTP + 1000).
 *
 * @param {readonly number[]} offsets
 * @returns {Promise<number[]>}
 */
export async function freePorts(offsets) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = draw();
    const ports = offsets.map((offset, index) =>
      index === 0 ? first : offset === 0 ? draw() : first + offset,
    );
    if (new Set(ports).size < ports.length) continue;
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return ports;
  }
  throw new Error(`no ${offsets.length} free ports between ${LOWEST} and ${HIGHEST} in 100 tries`);
}

function draw() {
  return LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
