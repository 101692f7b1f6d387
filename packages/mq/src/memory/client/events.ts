/** As KafkaJS names them. Those of its network are never told: there is none. */
export const CONSUMER_EVENTS = {
  HEARTBEAT: 'consumer.heartbeat',
  COMMIT_OFFSETS: 'consumer.commit_offsets',
  GROUP_JOIN: 'consumer.group_join',
  FETCH_START: 'consumer.fetch_start',
  FETCH: 'consumer.fetch',
  START_BATCH_PROCESS: 'consumer.start_batch_process',
  END_BATCH_PROCESS: 'consumer.end_batch_process',
  CONNECT: 'consumer.connect',
  DISCONNECT: 'consumer.disconnect',
  STOP: 'consumer.stop',
  CRASH: 'consumer.crash',
  REBALANCING: 'consumer.rebalancing',
  RECEIVED_UNSUBSCRIBED_TOPICS: 'consumer.received_unsubscribed_topics',
  REQUEST: 'consumer.network.request',
  REQUEST_TIMEOUT: 'consumer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'consumer.network.request_queue_size',
} as const;

export const PRODUCER_EVENTS = {
  CONNECT: 'producer.connect',
  DISCONNECT: 'producer.disconnect',
  REQUEST: 'producer.network.request',
  REQUEST_TIMEOUT: 'producer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'producer.network.request_queue_size',
} as const;

export type ConsumerEventName = (typeof CONSUMER_EVENTS)[keyof typeof CONSUMER_EVENTS];

/** Payloads are those of KafkaJS. */
export interface MemoryEvent<Payload = unknown> {
  readonly id: string;
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly payload: Payload;
}

/** Whoever listens says which payload that event has. */
export type MemoryEventListener<Payload> = (event: MemoryEvent<Payload>) => unknown;

type Listener = MemoryEventListener<never>;

/** Tells listeners at once and in order; what a listener throws is its own affair. */
export class Events {
  readonly #listeners = new Map<string, Set<Listener>>();
  #told = 0;

  on(name: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
    };
  }

  emit(type: string, payload: unknown = null): void {
    const event = { id: String(this.#told++), type, timestamp: Date.now(), payload };
    for (const listener of [...(this.#listeners.get(type) ?? [])]) void call(listener, event);
  }
}

async function call(listener: Listener, event: MemoryEvent): Promise<void> {
  try {
    await listener(event as MemoryEvent<never>);
  } catch {
    // KafkaJS writes it to its log; here is none.
  }
}
