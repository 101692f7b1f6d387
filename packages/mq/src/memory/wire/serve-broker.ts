import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { BrokerPort } from '../broker/broker-port.js';
import { type Answer, type Call, isCall, toWire } from './calls.js';
import { FrameReader, frame, SECRET_BYTES } from './frames.js';

export interface BrokerServer {
  readonly url: string;
  close(): Promise<void>;
}

/** How long a caller may take to say the secret, in milliseconds. */
const HELLO_MS = 10_000;

/**
 * Lets other processes of this machine call the broker: those that know its URL, which ends with a secret. Every user
 * of the machine can reach a port, and whoever is let in can fill the memory of this process.
 */
export async function serveBroker(broker: BrokerPort): Promise<BrokerServer> {
  const secret = randomBytes(SECRET_BYTES).toString('hex');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(broker, socket, Buffer.from(secret));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `memory://127.0.0.1:${port}/${secret}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function serve(broker: BrokerPort, socket: Socket, secret: Buffer): void {
  // A client that is gone cannot be told anything. Its members die of silence.
  socket.on('error', () => {});
  socket.setNoDelay(true);
  const reader = new FrameReader((value) => {
    if (!isCall(value)) throw new Error('No call of the memory broker.');
    void answer(broker, value).then((one) => {
      if (!socket.destroyed) socket.write(frame(one));
    });
  });
  const late = setTimeout(() => socket.destroy(), HELLO_MS).unref();
  socket.once('close', () => clearTimeout(late));
  let hello: Buffer | undefined = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    try {
      if (hello === undefined) return reader.read(chunk);
      // Nothing of a stranger is kept but the length of a secret, and nothing is read as a value.
      const missing = secret.length - hello.length;
      hello = Buffer.concat([hello, chunk.subarray(0, missing)]);
      if (hello.length < secret.length) return;
      if (!timingSafeEqual(hello, secret)) throw new Error('Not the secret of this broker.');
      hello = undefined;
      clearTimeout(late);
      if (chunk.length > missing) reader.read(chunk.subarray(missing));
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
