import { describeWithServers } from '../../services/jest/describe-with-servers.mjs';
import { faultTest } from './fault-test.js';
import { KAFKA_SETTINGS, kafkaWorld } from './kafka-world.js';
import { rabbitmqWorld } from './rabbitmq-world.js';
import type { Outcome } from './run-scenario.js';
import {
  active,
  close,
  deleteEnvironment,
  directoryBack,
  directoryFrozen,
  directoryGone,
  directoryThawed,
  flow,
  inTurn,
  kill,
  open,
  type Step,
  settled,
  start,
  together,
  withdraw,
  written,
} from './schedule.js';
import { onServer } from './shared-directory.js';

/** The directory is killed when so many writes have begun from now on, and runs again with its data. */
const killedAt = (writes: number): Step => inTurn(written(writes), directoryGone, flow(500), directoryBack);

/** A color joins and leaves again and again; each time the directory is killed at another write. */
const comingsAndGoings = (kills: readonly { join: number; leave: number }[]): Step[] => [
  start('base 1'),
  start('base 2'),
  // Barely fast enough, so that there is something to drain.
  start('red 1', 'red', 15),
  active('red'),
  flow(300),
  withdraw('red'),
  ...kills.flatMap(({ join, leave }) => [
    close('red 1'),
    together(open('red 1'), killedAt(join)),
    active('red'),
    flow(300),
    together(withdraw('red'), killedAt(leave)),
  ]),
  flow(500),
];

/** Most are; the last writes of a change may be over before the server is dead. */
function mostWereCut({ cut }: Outcome): void {
  expect(cut.join).toBeGreaterThan(1);
  expect(cut.leave).toBeGreaterThan(1);
}

describeWithServers(
  ['kafka'],
  'Kafka',
  (brokers) => {
    for (const kind of ['etcd', 'consul'] as const) {
      describeWithServers(
        [kind],
        `with the directory on ${kind}, faults`,
        (directories) => {
          const scenario = faultTest(
            () => kafkaWorld(brokers.kafka),
            () => onServer(kind, directories[kind]),
          );

          scenario(
            'a color joins and leaves while the directory is killed in the middle and starts again',
            ['red'],
            // A join has about 12 writes here, a leave about 15.
            comingsAndGoings([
              { join: 1, leave: 1 },
              { join: 3, leave: 4 },
              { join: 6, leave: 7 },
              { join: 9, leave: 11 },
            ]),
            mostWereCut,
          );

          scenario(
            'the directory is frozen while a color joins under load, and goes on',
            ['red', 'blue'],
            [
              start('base 1'),
              start('base 2'),
              start('blue 1', 'blue'),
              active('blue'),
              start('red 1', 'red'),
              active('red'),
              withdraw('red'),
              close('red 1'),
              together(
                open('red 1'),
                // Who has joined is served by the last good view (law 6).
                inTurn(written(3), directoryFrozen, flow(6_000), settled('blue'), directoryThawed),
              ),
              active('red'),
              flow(500),
            ],
            ({ cut }) => expect(cut.join).toBe(1),
          );

          scenario(
            'a colored consumer is killed and its environment deleted while the directory is away',
            ['red'],
            [
              start('base 1'),
              start('base 2'),
              start('red 1', 'red', 5),
              active('red'),
              flow(800),
              directoryGone,
              flow(300),
              kill('red 1'),
              together(deleteEnvironment('red'), inTurn(flow(3_000), directoryBack)),
              settled('red'),
              flow(300),
            ],
          );
        },
        { own: true },
      );
    }
  },
  { own: true, settings: KAFKA_SETTINGS },
);

describeWithServers(
  ['rabbitmq', 'etcd'],
  'RabbitMQ with the directory on etcd, faults',
  (servers) => {
    const scenario = faultTest(
      () => rabbitmqWorld(servers.rabbitmq),
      () => onServer('etcd', servers.etcd),
    );

    scenario(
      "a color's queue comes and goes while the directory is killed in the middle and starts again",
      ['red'],
      // About 6 writes, and 3.
      comingsAndGoings([
        { join: 1, leave: 1 },
        { join: 2, leave: 2 },
        { join: 4, leave: 1 },
      ]),
      mostWereCut,
    );
  },
  { own: true },
);
