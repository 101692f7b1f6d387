/** Kafka's ConsumerProtocolAssignment, version 0: what a partition assigner encoded. */
export function decodeAssignment(bytes: Buffer): Map<string, number[]> {
  const assignment = new Map<string, number[]>();
  if (bytes.length < 6) return assignment;
  let at = 2;
  const int32 = (): number => {
    at += 4;
    return bytes.readInt32BE(at - 4);
  };
  for (let topics = int32(); topics > 0; topics--) {
    const length = bytes.readInt16BE(at);
    const topic = bytes.toString('utf8', at + 2, at + 2 + length);
    at += 2 + length;
    const partitions = Array.from({ length: int32() }, int32);
    assignment.set(topic, partitions);
  }
  return assignment;
}
