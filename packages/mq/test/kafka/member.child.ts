// A baseline consumer in a process of its own: `member.child.ts <brokers> <folder> <topic> <group> <delayMs> [<last>]`. Prints
// each message that it has handled. With <last> it commits each by hand, and kills itself after so many, as `kill -9` does; SIGTERM closes its coloring, and nothing ends the process then but that it has nothing to do.
import { writeSync } from 'node:fs';
import { coloredKafka } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { Kafka, logLevel } from 'kafkajs';

const [, , brokers = '', folder = '', topic = '', group = '', delayMs = '0', last] = process.argv;
let handled = 0;
const coloring = createColoring({
  service: 'stock',
  color: '',
  directory: fileDirectory({ folder }),
  closing: { noticeMs: 0 },
});
const kafka = coloredKafka(coloring, new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }));
const consumer = kafka.consumer({ groupId: group, sessionTimeout: 6_000 });
process.once('SIGTERM', () => void coloring.close().then(() => consumer.disconnect()));
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  autoCommit: last === undefined,
  eachMessage: async ({ partition, message }) => {
    await new Promise((resolve) => setTimeout(resolve, Number(delayMs)));
    writeSync(1, `${String(message.value)}\n`);
    if (last === undefined) return;
    const offset = (BigInt(message.offset) + 1n).toString();
    await consumer.commitOffsets([{ topic, partition, offset }]);
    if (++handled === Number(last)) process.kill(process.pid, 'SIGKILL');
  },
});
writeSync(1, 'ready\n');
