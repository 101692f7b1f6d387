// A server in a process of its own that answers every request with a few bytes.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

/** @returns {Promise<{ port: number, close: () => void }>} */
export async function startHello() {
  const child = fork(fileURLToPath(import.meta.url), ['serve']);
  const [port] = await once(child, 'message');
  return { port, close: () => child.disconnect() };
}

if (process.argv[2] === 'serve') {
  const body = JSON.stringify({ item: 7, left: 42 });
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('disconnect', () => process.exit());
}
