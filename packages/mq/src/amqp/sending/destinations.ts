/** How a message gets to a queue: through its routing exchange, or straight, because it has none. */
export type Destination = 'routed' | 'direct';

const MAX_KNOWN = 10_000;
const MAX_RECHECK_MS = 60_000;

interface Known {
  readonly destination: Destination;
  readonly at: number;
  /** When an answer `direct` is old. Doubles each time it is the same. */
  readonly recheckMs: number;
}

export interface DestinationsOptions {
  /** Asks the broker. A no costs a channel. */
  readonly isRouted: (queue: string) => Promise<boolean>;
  /** Those that need no question. */
  readonly isDirect: (queue: string) => boolean;
  /** How long a first no is believed, in milliseconds; after each further one twice as long. */
  readonly recheckMs: number;
  /** At most so long. Default a minute. */
  readonly maxRecheckMs?: number;
}

/**
 * Which queues have a routing exchange. That there is one is believed until a channel breaks ({@link doubt}); that there is
 * none is asked again in the background, ever more seldom, and for one queue at a time: the broker answers a no by
 * closing the channel on which it was asked.
 */
export class Destinations {
  readonly #isRouted: (queue: string) => Promise<boolean>;
  readonly #isDirect: (queue: string) => boolean;
  readonly #recheckMs: number;
  readonly #maxRecheckMs: number;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<Destination>>();
  #doubtedAt = Number.NEGATIVE_INFINITY;
  #recheckedAt = Number.NEGATIVE_INFINITY;

  constructor({ isRouted, isDirect, recheckMs, maxRecheckMs = MAX_RECHECK_MS }: DestinationsOptions) {
    this.#isRouted = isRouted;
    this.#isDirect = isDirect;
    this.#recheckMs = recheckMs;
    this.#maxRecheckMs = Math.max(recheckMs, maxRecheckMs);
  }

  /** What is known without asking; `undefined` for a queue that has to be asked for first. */
  lookup(queue: string): Destination | undefined {
    if (this.#isDirect(queue)) return 'direct';
    const known = this.#known.get(queue);
    if (known === undefined) return undefined;
    if (known.destination === 'routed') return known.at > this.#doubtedAt ? 'routed' : undefined;
    this.#recheck(queue, known);
    return 'direct';
  }

  /** What is known, asked anew where it has grown old. Rejects as amqplib does. */
  async current(queue: string): Promise<Destination> {
    return this.lookup(queue) ?? (await this.resolve(queue));
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

  /** A channel broke, perhaps because a routing exchange was removed at the broker: each is asked for again before it is used. */
  doubt(): void {
    this.#doubtedAt = performance.now();
  }

  #recheck(queue: string, { at, recheckMs }: Known): void {
    const now = performance.now();
    const isDue = now - at >= recheckMs && now - this.#recheckedAt >= this.#recheckMs;
    if (!isDue || this.#asked.has(queue)) return;
    this.#recheckedAt = now;
    // Not found out in time is no reason to hold the message back: the old answer goes on, and is asked for later.
    this.resolve(queue).catch(() => this.#set(queue, 'direct'));
  }

  async #ask(queue: string): Promise<Destination> {
    return this.#set(queue, (await this.#isRouted(queue)) ? 'routed' : 'direct');
  }

  #set(queue: string, destination: Destination): Destination {
    const before = this.#known.get(queue);
    const isSame = destination === 'direct' && before?.destination === 'direct';
    const recheckMs = isSame ? Math.min(before.recheckMs * 2, this.#maxRecheckMs) : this.#recheckMs;
    this.#known.delete(queue);
    // Reply queues have names without end; the oldest is forgotten first.
    const [oldest] = this.#known.size >= MAX_KNOWN ? this.#known.keys() : [];
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(queue, { destination, at: performance.now(), recheckMs });
    return destination;
  }
}
