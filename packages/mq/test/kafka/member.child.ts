// A baseline consumer in a process of its own: `member.child.ts <brokers> <folder> <topic> <group> <delayMs>`. Prints each
// message that it has handled; SIGTERM closes its coloring, and nothing ends the process then but that it has nothing to do.
import { writeSync } from 'node:fs';
import { coloredKafka } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { Kafka, logLevel } from 'kafkajs';

const [, , brokers = '', folder = '', topic = '', group = '', delayMs = '0'] = process.argv;
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
  eachMessage: async ({ message }) => {
    await new Promise((resolve) => setTimeout(resolve, Number(delayMs)));
    writeSync(1, `${String(message.value)}\n`);
  },
});
writeSync(1, 'ready\n');
