import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { BrokerPort } from '../broker/broker-port.js';
import { type Answer, type Call, isCall, toWire } from './calls.js';
import { FrameReader, frame } from './frames.js';

export interface BrokerServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Lets other processes of this machine call the broker. */
export async function serveBroker(broker: BrokerPort): Promise<BrokerServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(broker, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `memory://127.0.0.1:${port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function serve(broker: BrokerPort, socket: Socket): void {
  // A client that is gone cannot be told anything. Its members die of silence.
  socket.on('error', () => {});
  socket.setNoDelay(true);
  const reader = new FrameReader((value) => {
    if (!isCall(value)) throw new Error('No call of the memory broker.');
    void answer(broker, value).then((one) => {
      if (!socket.destroyed) socket.write(frame(one));
    });
  });
  socket.on('data', (chunk) => {
    try {
      reader.read(chunk);
    } catch {
      socket.destroy();
    }
  });
}

async function answer(broker: BrokerPort, { id, method, args }: Call): Promise<Answer> {
  try {
    const call = broker[method] as (...args: readonly unknown[]) => Promise<unknown>;
    return { id, result: await call.apply(broker, [...args]) };
  } catch (error) {
    return { id, error: toWire(error) };
  }
}
