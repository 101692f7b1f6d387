import { activeColor, withColor } from '@colorway/core';
import type {
  ConsumerOptions,
  MessagesUnderTest,
  RunningConsumer,
  SendOptions,
} from './messages-under-test.js';
import { until } from './support.js';

/** Brokers rebalance in seconds, and the machine may be busy. */
const PATIENCE_MS = 60_000;

export interface Entry {
  readonly id: string;
  /** `baseline`, or the color of the instance. */
  readonly by: string;
  /** The color that was active in the handler. */
  readonly color: string | undefined;
}

/** What was sent in which color, and who handled it. */
export class MessageLedger {
  readonly entries: Entry[] = [];
  readonly #subject: MessagesUnderTest;
  readonly #sent = new Map<string, string | undefined>();
  #count = 0;

  constructor(subject: MessagesUnderTest) {
    this.#subject = subject;
  }

  /** Ids that are told apart from all others of this test. */
  ids(count: number, color: string | undefined): string[] {
    const ids = Array.from({ length: count }, () => `${color ?? 'none'}-${this.#count++}`);
    for (const id of ids) this.#sent.set(id, color);
    return ids;
  }

  async send(count: number, color?: string, options?: SendOptions): Promise<string[]> {
    const ids = this.ids(count, color);
    await withColor(color, () => this.#subject.send(ids, options));
    return ids;
  }

  /** A consumer that writes down what it handles; `first` is called before that, and may fail or wait. */
  start(
    options: Omit<ConsumerOptions, 'handle'> = {},
    first: ConsumerOptions['handle'] = async () => {},
  ): Promise<RunningConsumer> {
    return this.#subject.start({
      ...options,
      handle: async (id, send) => {
        const color = activeColor();
        await first(id, send);
        this.entries.push({ id, by: options.color ?? 'baseline', color });
      },
    });
  }

  /** Until a message of the color is handled by its own consumer: from then on all of them are. */
  async joined(color: string, options: SendOptions = {}): Promise<void> {
    for (const end = performance.now() + PATIENCE_MS; performance.now() < end; ) {
      const [probe = ''] = await this.send(1, color, options);
      await this.handled([probe]);
      if (this.by(probe) === color) return;
    }
    throw new Error(`In ${PATIENCE_MS} ms ${color} did not get a message of its own.`);
  }

  async handled(ids: readonly string[]): Promise<void> {
    const missing = (): string[] => ids.filter((id) => this.by(id) === undefined);
    await until(
      `all of ${ids.length} messages, ${ids[0]} to ${ids.at(-1)}`,
      () => missing().length === 0,
      PATIENCE_MS,
    );
  }

  by(id: string): string | undefined {
    return this.entries.find((entry) => entry.id === id)?.by;
  }

  /** Who handled these, each name once. */
  handlers(ids: readonly string[]): (string | undefined)[] {
    return [...new Set(ids.map((id) => this.by(id)))];
  }

  /** Everything that is wrong: lost, handled twice, in another color's context, or by another color's consumer. */
  faults({
    redelivered = [],
    discarded = [],
    refusing = false,
  }: {
    redelivered?: string[];
    discarded?: string[];
    /** The baseline may work in no color. */
    refusing?: boolean;
  } = {}): string[] {
    const faults: string[] = [];
    for (const [id, color] of this.#sent) {
      const entries = this.entries.filter((entry) => entry.id === id);
      const by = entries.map((entry) => entry.by).join(', ');
      if (entries.length === 0 && !discarded.includes(id)) faults.push(`lost: ${id}`);
      if (entries.length > 0 && discarded.includes(id)) faults.push(`discarded and handled: ${id} by ${by}`);
      if (entries.length > 1 && !redelivered.includes(id)) faults.push(`handled twice: ${id} by ${by}`);
      if (new Set(entries.map((entry) => entry.by)).size > 1) faults.push(`on both sides: ${id} by ${by}`);
      for (const entry of entries) {
        const isRefused = refusing && entry.by === 'baseline' && entry.color === undefined;
        if (entry.color !== color && !isRefused) faults.push(`in the context of ${entry.color}: ${id}`);
        if (entry.by !== 'baseline' && entry.by !== color) faults.push(`a stray: ${id} by ${entry.by}`);
      }
    }
    return faults;
  }
}
