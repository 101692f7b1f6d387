import { quote } from '@colorway/core';
import { BrokerError } from './broker-error.js';
import type { CommittedOffset, PartitionMessages, TransactionalProducer } from './broker-port.js';
import type { Group } from './group.js';

interface PendingOffsets {
  readonly group: Group;
  readonly offsets: readonly CommittedOffset[];
  /** When they were sent, among the group's commits. */
  readonly turn: number;
}

/**
 * Producers with a transactional id, and the offsets of their open transactions. Of one id there is one producer:
 * a second one ends the first's transaction, and that one is refused from then on. As a real broker has it, a
 * group's own commit that comes while a transaction is open wins over the transaction's.
 */
export class Transactions {
  readonly #epochs = new Map<string, number>();
  readonly #pending = new Map<string, PendingOffsets[]>();

  /** Returns the epoch of the new producer. */
  init(transactionalId: string): number {
    const epoch = (this.#epochs.get(transactionalId) ?? -1) + 1;
    this.#epochs.set(transactionalId, epoch);
    this.#pending.delete(transactionalId);
    return epoch;
  }

  addOffsets(producer: TransactionalProducer, group: Group, offsets: readonly CommittedOffset[]): void {
    this.#check(producer);
    const pending = this.#pending.get(producer.transactionalId) ?? [];
    pending.push({ group, offsets, turn: group.nextTurn() });
    this.#pending.set(producer.transactionalId, pending);
  }

  /** @param messages `undefined` for an abort. */
  end(
    producer: TransactionalProducer,
    messages: readonly PartitionMessages[] | undefined,
    append: (messages: readonly PartitionMessages[]) => void,
  ): void {
    this.#check(producer);
    const pending = this.#pending.get(producer.transactionalId) ?? [];
    if (messages !== undefined) {
      append(messages);
      for (const { group, offsets, turn } of pending) group.commitPending(offsets, turn);
    }
    this.#pending.delete(producer.transactionalId);
  }

  /** Offsets in a topic that is deleted come to nothing. */
  forget(topic: string): void {
    for (const [id, pending] of this.#pending) {
      const left = pending.map((one) => ({
        ...one,
        offsets: one.offsets.filter((offset) => offset.topic !== topic),
      }));
      this.#pending.set(id, left);
    }
  }

  #check({ transactionalId, epoch }: TransactionalProducer): void {
    if (this.#epochs.get(transactionalId) === epoch) return;
    throw new BrokerError(
      'INVALID_PRODUCER_EPOCH',
      `There is a newer producer with the transactional id ${quote(transactionalId)}, which has ended this one.`,
    );
  }
}
