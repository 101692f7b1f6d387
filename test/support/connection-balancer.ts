import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A balancer of connections, as an orchestrator's virtual address is one: each new connection goes to an instance
 * that says that it is ready, and stays there until somebody ends it. It knows nothing of HTTP.
 */
export class ConnectionBalancer {
  readonly #ports: () => readonly number[];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #timer: NodeJS.Timeout;
  #ready: readonly number[] = [];
  #next = 0;

  private constructor(ports: () => readonly number[]) {
    this.#ports = ports;
    this.#server = createServer((client) => this.#forward(client));
    this.#timer = setInterval(() => void this.#look(), 100);
  }

  /** @param ports those of all instances there are, ready or not. */
  static async start(ports: () => readonly number[]): Promise<ConnectionBalancer> {
    const balancer = new ConnectionBalancer(ports);
    await balancer.#look();
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get ready(): readonly number[] {
    return this.#ready;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #look(): Promise<void> {
    const ports = this.#ports();
    const answers = await Promise.all(ports.map(isReady));
    this.#ready = ports.filter((_, index) => answers[index]);
  }

  #forward(client: Socket): void {
    const port = this.#ready[this.#next++ % this.#ready.length];
    if (port === undefined) {
      client.destroy();
      return;
    }
    const instance = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [client, instance],
      [instance, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay().on('error', () => other.destroy());
      socket.on('close', () => this.#sockets.delete(socket)).pipe(other);
    }
  }
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    http
      .get({ host: '127.0.0.1', port, path: '/ready', agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('error', () => resolve(false));
  });
}
