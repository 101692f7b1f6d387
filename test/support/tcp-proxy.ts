import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What becomes of what a proxy is given. */
type Mode = 'forward' | 'refuse' | 'swallow';

/** A network between a client and a server that can be cut, mute, or slow. */
export class TcpProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  #mode: Mode = 'forward';
  #delayMs = 0;
  #connections = 0;

  private constructor(server: Server, target: URL) {
    const { port } = server.address() as AddressInfo;
    this.url = `${target.protocol}//127.0.0.1:${port}`;
    this.#server = server;
    server.on('connection', (client) => this.#connected(client, target));
  }

  /** A proxy in front of the server that a URL names, on a port of its own; its URL differs in the port alone. */
  static async open(target: string): Promise<TcpProxy> {
    const server = createServer({ pauseOnConnect: false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, new URL(target));
  }

  /** How many connections were made to it so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Breaks all connections, and every new one at once. */
  refuse(): void {
    this.#mode = 'refuse';
    this.breakOff();
  }

  /** Connections stay, new ones are accepted, and nothing comes through any more, as when packets are dropped. */
  swallow(): void {
    this.#mode = 'swallow';
  }

  /** Every piece of an answer comes so much later. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** All is well again. What was swallowed comes through now, as TCP would send it once more. */
  heal(): void {
    this.#mode = 'forward';
    this.#delayMs = 0;
    for (const send of this.#held.splice(0)) send();
  }

  /** Breaks the connections that there are. */
  breakOff(): void {
    this.#held.length = 0;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.breakOff();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connected(client: Socket, target: URL): void {
    this.#connections++;
    if (this.#mode === 'refuse') {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(target.port), target.hostname);
    this.#join(client, server, () => 0);
    this.#join(server, client, () => this.#delayMs);
  }

  #join(from: Socket, to: Socket, delayMs: () => number): void {
    this.#sockets.add(from);
    from.on('data', (chunk) => this.#pass(() => to.write(chunk), delayMs()));
    from.on('end', () => this.#pass(() => to.end(), delayMs()));
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      this.#pass(() => to.destroy(), delayMs());
    });
  }

  #pass(send: () => void, delayMs: number): void {
    if (this.#mode === 'swallow') this.#held.push(send);
    else if (delayMs > 0) setTimeout(send, delayMs);
    else send();
  }
}
