import { BrokerError } from './broker-error.js';
import type { ProducedMessage, StoredMessage } from './broker-port.js';

/** The messages of one partition, from offset 0 on; nothing is ever taken out. */
export class PartitionLog {
  readonly messages: StoredMessage[] = [];
  /** Called when something was appended. */
  readonly waiting = new Set<() => void>();
  readonly #partition: number;

  constructor(partition: number) {
    this.#partition = partition;
  }

  get end(): number {
    return this.messages.length;
  }

  append(messages: readonly ProducedMessage[], sequence: () => number): number {
    const first = this.end;
    for (const message of messages) {
      this.messages.push({
        ...message,
        partition: this.#partition,
        offset: this.end,
        sequence: sequence(),
      });
    }
    return first;
  }

  /** From `offset` on, at least one message where there is one, and no more than `maxBytes` beyond that. */
  read(offset: number, maxBytes: number): StoredMessage[] {
    if (offset < 0 || offset > this.end) {
      throw new BrokerError(
        'OFFSET_OUT_OF_RANGE',
        `Offset ${offset} is not in 0 to ${this.end}, which is where the partition ends.`,
      );
    }
    const found: StoredMessage[] = [];
    let bytes = 0;
    for (let at = offset; at < this.end; at++) {
      const message = this.messages[at] as StoredMessage;
      bytes += (message.key?.length ?? 0) + (message.value?.length ?? 0);
      if (found.length > 0 && bytes > maxBytes) break;
      found.push(message);
    }
    return found;
  }

  wake(): void {
    for (const waiter of [...this.waiting]) waiter();
  }
}
