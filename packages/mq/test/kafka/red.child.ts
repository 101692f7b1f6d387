// A colored consumer in a process of its own: `red.child.ts <brokers> <folder> <topic> <group>`. Prints each message that it handled.
import { writeSync } from 'node:fs';
import { coloredKafka } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { Kafka, logLevel } from 'kafkajs';

const [, , brokers = '', folder = '', topic = '', group = ''] = process.argv;
const coloring = createColoring({ service: 'stock', color: 'red', directory: fileDirectory({ folder }) });
await coloring.environments.ensure('red', { owner: 'test' });
const kafka = coloredKafka(coloring, new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }));
const consumer = kafka.consumer({ groupId: group, sessionTimeout: 6_000 });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  eachMessage: async ({ partition, message }) => {
    writeSync(1, `${JSON.stringify({ id: String(message.value), partition, offset: message.offset })}\n`);
  },
});
