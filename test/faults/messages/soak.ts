// `npm run soak`: random schedules on one real broker, until the time is over or a history is bad. Not part of `npm test`.
import { describeWithServers } from '../../services/jest/describe-with-servers.mjs';
import { KAFKA_SETTINGS, kafkaWorld } from './kafka-world.js';
import { rabbitmqWorld } from './rabbitmq-world.js';
import { seedOfRun } from './random.js';
import { randomScenario } from './random-scenario.js';
import { describeOutcome, type MakeWorld, runScenario } from './run-scenario.js';

const { COLORWAY_SOAK_BROKER: broker = 'kafka', COLORWAY_SOAK_MINUTES: minutes = '10' } = process.env;
const lasts = Number(minutes) * 60_000;
/** For the scenario that is running when the time is over. */
const LAST_ONE_MS = 300_000;

async function soak(of: 'kafka' | 'rabbitmq', makeWorld: MakeWorld): Promise<void> {
  const end = performance.now() + lasts;
  let seed = seedOfRun();
  do {
    const outcome = await runScenario(randomScenario(of, seed), makeWorld, seed);
    process.stderr.write(`--broker ${of} --seed ${seed}: ${describeOutcome(outcome)}\n`);
    seed++;
  } while (performance.now() < end);
}

if (broker === 'kafka') {
  describeWithServers(
    ['kafka'],
    'soak',
    (servers) => {
      test('Kafka', () => soak('kafka', kafkaWorld(servers.kafka)), lasts + LAST_ONE_MS);
    },
    { own: true, settings: KAFKA_SETTINGS },
  );
} else {
  describeWithServers(
    ['rabbitmq'],
    'soak',
    (servers) => {
      test('RabbitMQ', () => soak('rabbitmq', rabbitmqWorld(servers.rabbitmq)), lasts + LAST_ONE_MS);
    },
    { own: true },
  );
}
