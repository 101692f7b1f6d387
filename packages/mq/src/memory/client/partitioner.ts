/** Kafka's default: the partition that is named, else by the key's hash, else one after the other. */
export class Partitioner {
  readonly #turns = new Map<string, number>();

  choose(
    topic: string,
    partitions: number,
    message: { readonly partition?: number | null; readonly key?: Buffer | string | null },
  ): number {
    if (message.partition != null) return message.partition;
    if (message.key != null) return (murmur2(Buffer.from(message.key)) & 0x7fffffff) % partitions;
    const turn = this.#turns.get(topic) ?? 0;
    this.#turns.set(topic, turn + 1);
    return turn % partitions;
  }
}

const M = 0x5bd1e995;

/** As `org.apache.kafka.common.utils.Utils.murmur2`: the same key goes to the same partition as on Kafka. */
export function murmur2(data: Buffer): number {
  const { length } = data;
  let h = 0x9747b28c ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let k = Math.imul(data.readInt32LE(at), M);
    k = Math.imul(k ^ (k >>> 24), M);
    h = Math.imul(h, M) ^ k;
  }
  if (at < length) {
    for (let rest = length - 1; rest >= at; rest--) h ^= (data[rest] as number) << (8 * (rest - at));
    h = Math.imul(h, M);
  }
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
}
