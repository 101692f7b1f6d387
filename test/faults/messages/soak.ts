// `npm run soak`: random schedules on one real broker, with the directory in a folder or on a server that the schedules kill,
// until the time is over or a history is bad. Not part of `npm test`.
import { describeWithServers } from '../../services/jest/describe-with-servers.mjs';
import { KAFKA_ACL_SETTINGS, kafkaWorld } from './kafka-world.js';
import { rabbitmqWorld } from './rabbitmq-world.js';
import { seedOfRun } from './random.js';
import { randomScenario } from './random-scenario.js';
import { describeOutcome, type MakeWorld, runScenario } from './run-scenario.js';
import { fileInFolder, type MakeDirectory, onServer } from './shared-directory.js';

const {
  COLORWAY_SOAK_BROKER: broker = 'kafka',
  COLORWAY_SOAK_DIRECTORY: directory = 'file',
  COLORWAY_SOAK_MINUTES: minutes = '10',
} = process.env;
const lasts = Number(minutes) * 60_000;
/** For the scenario that is running when the time is over. */
const LAST_ONE_MS = 300_000;

async function soak(
  of: 'kafka' | 'rabbitmq',
  makeWorld: MakeWorld,
  makeDirectory: MakeDirectory,
): Promise<void> {
  const end = performance.now() + lasts;
  let seed = seedOfRun();
  do {
    const outcome = await runScenario(randomScenario(of, seed), makeWorld, seed, makeDirectory);
    process.stderr.write(
      `--broker ${of} --directory ${directory} --seed ${seed}: ${describeOutcome(outcome)}\n`,
    );
    seed++;
  } while (performance.now() < end);
}

function onBroker(directoryOf: () => MakeDirectory): void {
  if (broker === 'kafka') {
    describeWithServers(
      ['kafka'],
      'soak',
      (servers) => {
        const run = (): Promise<void> => soak('kafka', kafkaWorld(servers.kafka), directoryOf());
        test('Kafka', run, lasts + LAST_ONE_MS);
      },
      { own: true, settings: KAFKA_ACL_SETTINGS },
    );
  } else {
    describeWithServers(
      ['rabbitmq'],
      'soak',
      (servers) => {
        const run = (): Promise<void> => soak('rabbitmq', rabbitmqWorld(servers.rabbitmq), directoryOf());
        test('RabbitMQ', run, lasts + LAST_ONE_MS);
      },
      { own: true },
    );
  }
}

if (directory === 'etcd' || directory === 'consul') {
  describeWithServers(
    [directory],
    `directory on ${directory}`,
    (servers) => onBroker(() => onServer(directory, servers[directory])),
    { own: true },
  );
} else {
  onBroker(() => fileInFolder);
}
