import type { Color, Coloring } from '@colorway/core';
import type { Consumers } from '../consuming/consumers.js';

/** What one process reads of the queues of a coloring, on all channels. Whoever brings a queue to its end has to see them all. */
export class QueueReaders {
  readonly #channels = new Map<string, Set<Consumers>>();
  /** How the color stood in each queue when it was last known, on whatever connection. */
  readonly known = new Map<string, 'joined' | 'left'>();

  /** A channel reads the queue, by the baseline's name. Returns how to say that it does no longer. */
  add(queue: string, consumers: Consumers): () => void {
    const channels = this.#channels.get(queue) ?? new Set();
    this.#channels.set(queue, channels.add(consumers));
    return () => {
      channels.delete(consumers);
      if (channels.size === 0) this.#channels.delete(queue);
    };
  }

  /** Whether this is the channel that speaks for all that read the queue. */
  isFirst(queue: string, consumers: Consumers): boolean {
    const [first] = this.#channels.get(queue) ?? [];
    return first === consumers;
  }

  /** Of this channel first, then of the others. */
  of(queue: string, own: Consumers): readonly Consumers[] {
    return [...new Set([own, ...(this.#channels.get(queue) ?? [])])];
  }
}

/** @param of the broker: queues of the same name at two brokers are two. */
export function readersOf(
  coloring: Coloring,
  { cluster = '' }: { cluster: string | undefined },
): QueueReaders {
  const ofBrokers = readers.get(coloring) ?? new Map<string, QueueReaders>();
  readers.set(coloring, ofBrokers);
  const known = ofBrokers.get(cluster) ?? new QueueReaders();
  ofBrokers.set(cluster, known);
  return known;
}

const readers = new WeakMap<Coloring, Map<string, QueueReaders>>();

export function inHand(channels: readonly Consumers[], name: string): number {
  return channels.reduce((sum, channel) => sum + channel.inHand(name), 0);
}

export function reading(channels: readonly Consumers[], name: string): number {
  return channels.reduce((sum, channel) => sum + channel.reading(name).length, 0);
}

/** Has a color's queue read by the first channel that has a handler for it; false where none has. */
export async function readFor(
  channels: readonly Consumers[],
  queue: string,
  name: string,
  color: Color,
): Promise<boolean> {
  for (const channel of channels) if (await channel.readFor(queue, name, color)) return true;
  return false;
}
