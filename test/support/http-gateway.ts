import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a gateway answers: what the server behind it does, an error of its own, or something else entirely. */
export type GatewayMode = 'forward' | 'error' | 'garbage';

const GARBAGE = '<html><body>Please log in to the network.</body></html>';

/** An HTTP server in front of another one, which may be out of its mind. */
export class HttpGateway {
  readonly url: string;
  /** The methods and paths, with queries, that were asked for. */
  readonly requests: string[] = [];
  mode: GatewayMode = 'forward';
  readonly #delays = new Map<string, number>();
  readonly #server: Server;
  readonly #target: string;

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.#target = target;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (incoming, outgoing) => this.#answer(incoming, outgoing));
  }

  static async open(target: string): Promise<HttpGateway> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HttpGateway(server, target);
  }

  /** Changes the mode, and breaks what is under way. */
  become(mode: GatewayMode): void {
    this.mode = mode;
    this.#server.closeAllConnections();
  }

  /** What the server answers to this path comes so much later; other answers overtake it. */
  delay(path: string, ms: number): void {
    this.#delays.set(path, ms);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.requests.push(`${incoming.method} ${incoming.url}`);
    if (this.mode === 'forward') {
      this.#forward(incoming, outgoing);
      return;
    }
    incoming.resume();
    if (this.mode === 'error') outgoing.writeHead(500).end('the server has a bad day');
    else outgoing.writeHead(200, { 'content-type': 'text/html' }).end(GARBAGE);
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = 'GET', headers } = incoming;
    const delayMs = this.#delays.get(incoming.url?.split('?', 1)[0] ?? '') ?? 0;
    const onward = request(`${this.#target}${incoming.url}`, { method, headers }, (answer) => {
      answer.on('error', () => outgoing.destroy());
      const pass = () => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      };
      if (delayMs > 0) setTimeout(pass, delayMs);
      else pass();
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }
}
