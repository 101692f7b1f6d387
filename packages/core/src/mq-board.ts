import { callSafely, defaultReporter, type Reporter } from './background/reporter.js';
import { observe } from './metrics.js';
import type { MqConsumer, MqStatus, MqWaiting } from './mq-status.js';

/** Reports a part of the status, as it is now. To be quick: it is asked every few seconds. */
export type MqSource = () => Partial<MqStatus>;

const LOOK_EVERY_MS = 5_000;
/** A wait that is longer is reported as a warning. */
const LONG_WAIT_MS = 10_000;

/** What of a wait is remembered at most, so that it is warned of once. */
const MAX_WARNED = 1_000;

/** Where the message adapters of one coloring put up what they do: `coloring.mq`. */
export class MqBoard {
  readonly #sources = new Set<MqSource>();
  readonly #reporter: Reporter;
  /** The waits that were warned of and go on. */
  readonly #warned = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #unobserve: (() => void) | undefined;
  /** Those that the gauge was told of: it shows the last value for ever, so it is told when there is none any more. */
  readonly #told = new Map<string, Record<string, string>>();

  constructor(reporter: Reporter = defaultReporter()) {
    this.#reporter = reporter;
  }

  /** From what is known here; nobody is asked. A source that fails is left out, and reported once. */
  status(): MqStatus {
    const parts: Partial<MqStatus>[] = [];
    for (const source of this.#sources) {
      callSafely(this.#reporter, 'A source of coloring.mq.status()', () => void parts.push(source()));
    }
    return {
      consumers: parts.flatMap(({ consumers = [] }) => consumers),
      handovers: parts.flatMap(({ handovers = [] }) => handovers),
      work: parts.flatMap(({ work = [] }) => work),
    };
  }

  /** For adapters: adds something to the status, and to the gauge `coloring.mq.waiting`. Returns how to take it out. */
  add(source: MqSource): () => void {
    const own: MqSource = () => source();
    this.#sources.add(own);
    this.#timer ??= setInterval(() => this.#warn(), LOOK_EVERY_MS).unref();
    this.#unobserve ??= observe('coloring.mq.waiting', (tell) => this.#tell(tell));
    return () => {
      this.#sources.delete(own);
      if (this.#sources.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
      if (this.#told.size === 0) this.#endGauge();
    };
  }

  #tell(tell: (value: number, attributes: Record<string, string>) => void): void {
    const waits = this.#waits();
    for (const [key, attributes] of this.#told) if (!waits.has(key)) tell(0, attributes);
    this.#told.clear();
    for (const [key, { attributes, count }] of waits) {
      tell(count, attributes);
      this.#told.set(key, attributes);
    }
    if (this.#sources.size === 0) this.#endGauge();
  }

  #endGauge(): void {
    this.#unobserve?.();
    this.#unobserve = undefined;
  }

  #waits(): Map<string, { readonly attributes: Record<string, string>; readonly count: number }> {
    const found = new Map<string, { attributes: Record<string, string>; count: number }>();
    for (const { consumer, topic, waiting } of this.#waiting()) {
      const attributes = {
        'coloring.group': consumer.brokerGroup,
        ...(topic !== undefined && { 'coloring.topic': topic }),
        'coloring.reason': waiting.for,
      };
      const key = JSON.stringify(attributes);
      found.set(key, { attributes, count: (found.get(key)?.count ?? 0) + 1 });
    }
    return found;
  }

  /** Once for each place and reason, for as long as it waits for that. */
  #warn(): void {
    const long = new Set<string>();
    for (const { consumer, place, waiting } of this.#waiting()) {
      if (waiting.ms < LONG_WAIT_MS) continue;
      const subject = `${consumer.broker} ${place} ${waiting.for}`;
      long.add(subject);
      if (this.#warned.has(subject) || this.#warned.size >= MAX_WARNED) continue;
      this.#warned.add(subject);
      const seconds = Math.round(waiting.ms / 1_000);
      const remedy = waiting.remedy ?? 'coloring.mq.status() says more.';
      this.#reporter.warn(
        'COLORWAY_MQ_WAITING',
        `${place} has waited for ${seconds} s: ${waiting.for}. ${remedy}`,
        { subject },
      );
    }
    for (const subject of this.#warned) if (!long.has(subject)) this.#warned.delete(subject);
  }

  *#waiting(): Iterable<{
    readonly consumer: MqConsumer;
    readonly topic?: string;
    readonly place: string;
    readonly waiting: MqWaiting;
  }> {
    for (const consumer of this.status().consumers) {
      const { brokerGroup, partitions, waiting } = consumer;
      if (waiting !== undefined) yield { consumer, place: brokerGroup, waiting };
      for (const { topic, partition, waiting: held } of partitions) {
        if (held === undefined) continue;
        yield {
          consumer,
          topic,
          place: `${brokerGroup}, partition ${partition} of ${topic},`,
          waiting: held,
        };
      }
    }
  }
}
