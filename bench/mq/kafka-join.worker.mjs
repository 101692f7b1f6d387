// A color joins and leaves beside a baseline and another color: how long until it handles, and what the others notice.
import { coloredKafka, leaveGroup } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { Kafka, logLevel } from 'kafkajs';

const [, , variant] = process.argv;
const { KAFKA_BROKERS = '' } = process.env;
const RATE = variant === 'idle' ? 0 : 5_000;
const TURN_MS = 10;
const PARTITIONS = 3;
const id = `join-${process.pid}-${Date.now()}`;
const group = `GID_${id}`;
const directory = memoryDirectory();
const client = () => new Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const admin = client().admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic: id, numPartitions: PARTITIONS }], waitForLeaders: false });
while ((await admin.fetchTopicOffsets(id).catch(() => [])).length < PARTITIONS) await pause(50);

/** Milliseconds from sending to handling, with the moment; those of the color that joins are kept apart. */
const seen = [];
let firstRed;
async function start(color) {
  const coloring = createColoring({ service: 'bench', color, directory });
  if (color !== '') await coloring.environments.ensure(color, { owner: 'bench' });
  const consumer = coloredKafka(coloring, client()).consumer({ groupId: group });
  await consumer.connect();
  await consumer.subscribe({ topics: [id], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const now = performance.now();
      if (color === 'red') firstRed ??= now;
      else seen.push({ at: now, ms: now - Number(message.value) });
    },
  });
  return { coloring, consumer };
}

const producer = client().producer();
await producer.connect();
let sending = true;
async function send() {
  for (let turn = 0; sending; turn++) {
    const next = performance.now() + TURN_MS;
    const count = Math.max((RATE * TURN_MS) / 1_000, turn % 5 === 0 ? 3 : 0);
    const value = String(performance.now());
    const messages = Array.from({ length: count }, (_, index) => ({
      value,
      headers: index % 3 === 0 ? {} : { DMQ_ENV_TAG: index % 3 === 1 ? 'red' : 'blue' },
    }));
    if (messages.length > 0) await producer.send({ topic: id, messages });
    await pause(Math.max(0, next - performance.now()));
  }
}

const baseline = await start('');
await start('blue');
const active = (color) =>
  baseline.coloring.mq.status().handovers.some((one) => one.color === color && one.state === 'active');
while (!active('blue')) await pause(10);
await pause(3_500);
const sent = variant === 'idle' ? undefined : send();
await pause(variant === 'idle' ? 0 : 3_000);

const from = performance.now();
let joined;
const red = start('red');
const sentIdle = variant === 'idle' ? red.then(() => send()) : undefined;
while (joined === undefined) {
  if (baseline.coloring.mq.status().handovers.some((one) => one.color === 'red')) joined = performance.now();
  await pause(1);
}
const { consumer } = await red;
const running = performance.now();
while (firstRed === undefined) await pause(1);
await pause(1_000);
const left = performance.now();
await leaveGroup(baseline.coloring, client(), { group, topics: [id], color: 'red', onLeave: 'drain' });
const gone = performance.now();
await pause(1_000);
sending = false;
await (sent ?? sentIdle);
await consumer.disconnect();

const p99 = (begin, end) => {
  const all = seen
    .filter(({ at }) => at >= begin && at < end)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  return all[Math.floor(all.length * 0.99)] ?? 0;
};
console.log(
  JSON.stringify({
    handled: firstRed - joined,
    beyondRebalance: Math.max(0, firstRed - Math.max(joined, running)),
    leave: gone - left,
    steady: p99(0, from),
    joining: p99(from, firstRed + 200),
    leaving: p99(left, gone + 200),
  }),
);
process.exit(0);
