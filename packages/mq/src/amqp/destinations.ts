import { isBrokersName } from './queue-names.js';

/** How a message gets to a queue: through its routing exchange, or straight, because it has none. */
export type Destination = 'routed' | 'direct';

const MAX_KNOWN = 10_000;

/**
 * Which queues have a routing exchange. Once there it stays; that there is none is asked again, in the
 * background, when the answer is `recheckMs` old.
 */
export class Destinations {
  readonly #isRouted: (queue: string) => Promise<boolean>;
  readonly #recheckMs: number;
  readonly #known = new Map<string, { readonly destination: Destination; readonly at: number }>();
  readonly #asked = new Map<string, Promise<Destination>>();

  constructor(isRouted: (queue: string) => Promise<boolean>, recheckMs: number) {
    this.#isRouted = isRouted;
    this.#recheckMs = recheckMs;
  }

  /** What is known without asking; `undefined` for a queue that was never asked for. */
  lookup(queue: string): Destination | undefined {
    if (isBrokersName(queue)) return 'direct';
    const known = this.#known.get(queue);
    if (known?.destination === 'direct' && performance.now() - known.at >= this.#recheckMs) {
      // Not found out in time is no reason to hold the message back: the old answer goes on.
      this.resolve(queue).catch(() => {});
    }
    return known?.destination;
  }

  /** What is known, asked anew where it has grown old. Rejects as amqplib does. */
  async current(queue: string): Promise<Destination> {
    const known = this.#known.get(queue);
    const isFresh = known !== undefined && performance.now() - known.at < this.#recheckMs;
    return known !== undefined && (isFresh || known.destination === 'routed')
      ? known.destination
      : await this.resolve(queue);
  }

  /** Asks the broker. Rejects as amqplib does. */
  resolve(queue: string): Promise<Destination> {
    const asked = this.#asked.get(queue) ?? this.#ask(queue).finally(() => this.#asked.delete(queue));
    this.#asked.set(queue, asked);
    return asked;
  }

  setRouted(queue: string): void {
    this.#set(queue, 'routed');
  }

  async #ask(queue: string): Promise<Destination> {
    return this.#set(queue, (await this.#isRouted(queue)) ? 'routed' : 'direct');
  }

  #set(queue: string, destination: Destination): Destination {
    // Reply queues have names without end; the oldest is forgotten first.
    if (this.#known.size >= MAX_KNOWN)
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    this.#known.delete(queue);
    this.#known.set(queue, { destination, at: performance.now() });
    return destination;
  }
}
