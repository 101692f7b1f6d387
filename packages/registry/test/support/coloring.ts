import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ColoringService, type CreateColoringOptions, createColoring } from '@colorway/registry';
import { type MemoryDirectory, memoryDirectory } from '@colorway/registry/memory';
import { cleanUp } from './clean-up.js';

/** A coloring with short times on a memory directory; closed after the test. */
export function coloringOn(
  directory: MemoryDirectory = memoryDirectory(),
  options: Partial<CreateColoringOptions> = {},
): { coloring: ColoringService; directory: MemoryDirectory } {
  const coloring = createColoring({
    service: 'order',
    color: '',
    directory,
    leaseMs: 300,
    directoryTimeoutMs: 200,
    closing: { noticeMs: 10, drainMs: 500 },
    ...options,
  });
  cleanUp(() => coloring.close());
  return { coloring, directory };
}

/** A server that listens on a free port. */
export async function listening(): Promise<{ server: Server; port: number }> {
  const server = createServer((_request, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}
