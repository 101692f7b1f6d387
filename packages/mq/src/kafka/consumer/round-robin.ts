import type { AssignerFactory } from '../client-types.js';

/**
 * KafkaJS's default assigner, which a client does not hand out: the same name, protocol and assignment, so
 * that members with and without Colorway can share a group. Ours exists to be given the cluster.
 */
export const roundRobin: AssignerFactory = ({ cluster }) => ({
  name: 'RoundRobinAssigner',
  version: 0,
  async assign({ members, topics }) {
    const sorted = members.map(({ memberId }) => memberId).sort();
    const assignment = new Map<string, Map<string, number[]>>();
    let turn = 0;
    for (const topic of topics) {
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        const member = sorted[turn++ % sorted.length] as string;
        const own = assignment.get(member) ?? new Map<string, number[]>();
        own.set(topic, [...(own.get(topic) ?? []), partitionId]);
        assignment.set(member, own);
      }
    }
    return Array.from(assignment, ([memberId, own]) => ({
      memberId,
      memberAssignment: encodeAssignment(own),
    }));
  },
  protocol: ({ topics }) => ({ name: 'RoundRobinAssigner', metadata: encodeSubscription(topics) }),
});

/** Kafka's ConsumerProtocolSubscription, version 0. */
function encodeSubscription(topics: readonly string[]): Buffer {
  return Buffer.concat([int16(0), int32(topics.length), ...topics.map(string), int32(0)]);
}

/** Kafka's ConsumerProtocolAssignment, version 0. */
function encodeAssignment(own: ReadonlyMap<string, readonly number[]>): Buffer {
  const topics = Array.from(own, ([topic, partitions]) =>
    Buffer.concat([string(topic), int32(partitions.length), ...partitions.map(int32)]),
  );
  return Buffer.concat([int16(0), int32(topics.length), ...topics, int32(0)]);
}

/** The topics that a member subscribes to; `undefined` when its metadata cannot be read. */
export function subscribedTopics(metadata: Buffer): string[] | undefined {
  if (metadata.length < 6) return undefined;
  const topics: string[] = [];
  let at = 6;
  for (let left = metadata.readInt32BE(2); left > 0; left--) {
    if (at + 2 > metadata.length) return undefined;
    const length = metadata.readInt16BE(at);
    topics.push(metadata.toString('utf8', at + 2, at + 2 + length));
    at += 2 + length;
  }
  return topics;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([int16(bytes.length), bytes]);
}
