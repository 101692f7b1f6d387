import type { FetchedPartition, StoredMessage } from '../broker/broker-port.js';
import type { MemoryBatch, MemoryMessage } from './types.js';

/** What one fetch brought from one partition; there is at least one message. */
export function batchOf({ topic, partition, highWatermark, messages }: FetchedPartition): MemoryBatch {
  const first = messages[0]?.offset ?? highWatermark;
  const last = messages.at(-1)?.offset ?? highWatermark - 1;
  return {
    topic,
    partition,
    highWatermark: String(highWatermark),
    messages: messages.map(kafkaMessage),
    // Nothing is ever taken out of a log here.
    fetchedOffset: String(first),
    isEmpty: () => messages.length === 0,
    firstOffset: () => (messages.length === 0 ? null : String(first)),
    lastOffset: () => String(last),
    offsetLag: () => String(highWatermark - 1 - last),
    offsetLagLow: () => String(highWatermark - 1 - first),
  };
}

/** A handler may change what it is given; the broker's own stays as it is. */
export function kafkaMessage({ key, value, timestamp, offset, headers }: StoredMessage): MemoryMessage {
  return {
    key,
    value,
    timestamp: String(timestamp),
    attributes: 0,
    offset: String(offset),
    headers: { ...headers },
  };
}
