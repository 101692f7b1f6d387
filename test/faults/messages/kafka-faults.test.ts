import { describeWithServers } from '../../services/jest/describe-with-servers.mjs';
import { faultTest } from './fault-test.js';
import { KAFKA_SETTINGS, kafkaWorld } from './kafka-world.js';
import {
  active,
  deleteEnvironment,
  directory,
  directoryBack,
  directoryGone,
  flow,
  kill,
  killBroker,
  leave,
  loud,
  pause,
  quiet,
  reopen,
  restartBroker,
  resume,
  settled,
  start,
  stop,
  together,
  withdraw,
} from './schedule.js';

const TWO = [start('base 1'), start('base 2')];
/** A session is 3 s; after so long a paused consumer has lost its partitions. */
const PAST_THE_SESSION = flow(6_000);

describeWithServers(
  ['kafka'],
  'Kafka, faults',
  (servers) => {
    const scenario = faultTest(() => kafkaWorld(servers.kafka));

    scenario(
      'kill -9 of a baseline consumer under load',
      ['red'],
      [
        start('base 1', undefined, 5),
        start('base 2', undefined, 5),
        start('red 1', 'red', 5),
        active('red'),
        flow(800),
        kill('base 1'),
        flow(1_500),
        start('base 3'),
        flow(800),
      ],
    );

    scenario(
      'kill -9 of the only colored consumer, whose messages wait until it is back',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red', 5),
        active('red'),
        flow(800),
        kill('red 1'),
        flow(1_500),
        start('red 2', 'red'),
        flow(800),
      ],
    );

    scenario(
      'kill -9 of one of two baseline consumers and of a colored one while it joins',
      ['red'],
      [
        ...TWO,
        flow(500),
        together(start('red 1', 'red'), kill('base 2')),
        kill('red 1'),
        flow(500),
        start('red 2', 'red'),
        active('red'),
        flow(800),
      ],
    );

    scenario(
      'a baseline consumer is paused past its session and goes on, a zombie',
      ['red'],
      [
        ...TWO,
        start('red 1', 'red'),
        active('red'),
        flow(500),
        pause('base 1'),
        PAST_THE_SESSION,
        resume('base 1'),
        flow(1_000),
      ],
    );

    scenario(
      'a baseline consumer is a zombie while a color joins',
      ['red'],
      [
        ...TWO,
        flow(500),
        pause('base 1'),
        flow(500),
        start('red 1', 'red'),
        PAST_THE_SESSION,
        resume('base 1'),
        active('red'),
        flow(1_000),
      ],
    );

    scenario(
      'a colored consumer is paused past its session and goes on, beside another of its color',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red'),
        start('red 2', 'red'),
        active('red'),
        flow(500),
        pause('red 1'),
        PAST_THE_SESSION,
        resume('red 1'),
        flow(1_000),
      ],
    );

    scenario(
      'baseline consumers come and go while a color joins, and while it leaves',
      ['red'],
      [
        start('base 1'),
        flow(300),
        together(start('red 1', 'red'), start('base 2')),
        together(start('red 2', 'red'), start('base 3')),
        active('red'),
        flow(800),
        together(leave('red'), stop('base 2'), start('base 4')),
        together(stop('red 1'), stop('red 2'), stop('base 3')),
        flow(500),
      ],
    );

    scenario(
      'the baseline is far behind while a color joins, leaves, comes back, and members change',
      ['red'],
      [
        start('base 1', undefined, 12),
        flow(2_500),
        together(start('red 1', 'red'), start('base 2', undefined, 12)),
        active('red'),
        flow(1_000),
        together(leave('red'), kill('base 2')),
        reopen('red 1'),
        active('red'),
        flow(500),
        withdraw('red'),
        quiet(),
        start('base 3'),
        start('base 4'),
      ],
    );

    scenario(
      'the broker is killed and starts again',
      ['red'],
      [
        ...TWO,
        start('red 1', 'red'),
        active('red'),
        flow(800),
        killBroker,
        flow(500),
        restartBroker,
        flow(2_000),
      ],
    );

    scenario(
      'the directory hangs, then fails, for consumers of both sides',
      ['red', 'blue'],
      [
        ...TWO,
        start('red 1', 'red'),
        active('red'),
        directory('base 1', 'hanging'),
        directory('red 1', 'hanging'),
        flow(500),
        together(start('blue 1', 'blue'), kill('base 2')),
        flow(1_500),
        directory('base 1', 'failing'),
        directory('red 1', 'failing'),
        flow(1_500),
        directory('base 1', 'well'),
        directory('red 1', 'well'),
        active('blue'),
        flow(800),
      ],
    );

    scenario(
      'the directory takes no writes of the baseline while a color joins',
      ['red'],
      [
        start('base 1'),
        flow(300),
        directory('base 1', 'read-only'),
        start('red 1', 'red'),
        flow(2_000),
        directory('base 1', 'well'),
        active('red'),
        flow(500),
      ],
    );

    scenario(
      'the directory is gone for everybody and comes back, and a color leaves',
      ['red'],
      [
        ...TWO,
        start('red 1', 'red'),
        active('red'),
        flow(500),
        directoryGone,
        flow(500),
        kill('base 1'),
        flow(2_500),
        directoryBack,
        leave('red'),
        stop('red 1'),
        flow(500),
      ],
    );

    scenario(
      'a color joins and leaves 20 times in a row',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red'),
        active('red'),
        flow(100),
        withdraw('red'),
        ...Array.from({ length: 19 }, () => [
          reopen('red 1'),
          active('red'),
          flow(100),
          withdraw('red'),
        ]).flat(),
        flow(500),
      ],
    );

    const five = ['red', 'blue', 'green', 'teal', 'pink'];
    scenario('five colors join and leave at once', five, [
      ...TWO,
      flow(300),
      together(...five.map((color) => start(`${color} 1`, color))),
      ...five.map(active),
      flow(1_000),
      kill('blue 1'),
      together(...five.map(withdraw)),
      flow(500),
    ]);

    scenario(
      'an environment is deleted with unread messages; its own consumer drains them',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red', 60),
        active('red'),
        flow(1_500),
        quiet('red'),
        deleteEnvironment('red'),
        loud('red'),
        flow(500),
      ],
    );

    scenario(
      'an environment is deleted with unread messages after its consumer was killed; the baseline drains',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red', 5),
        active('red'),
        flow(800),
        kill('red 1'),
        flow(1_000),
        deleteEnvironment('red'),
        settled('red'),
        flow(300),
      ],
    );

    scenario(
      'an environment is deleted while its consumer is paused, which wakes after that',
      ['red'],
      [
        ...TWO,
        start('red 1', 'red', 20),
        active('red'),
        flow(800),
        pause('red 1'),
        flow(800),
        deleteEnvironment('red'),
        flow(500),
        resume('red 1'),
        flow(2_000),
      ],
    );

    scenario(
      'a color leaves while only another color is alive, which drains nothing of it',
      ['red', 'blue'],
      [
        start('base 1'),
        start('red 1', 'red'),
        start('blue 1', 'blue'),
        active('red'),
        active('blue'),
        flow(500),
        kill('blue 1'),
        flow(800),
        kill('base 1'),
        together(withdraw('blue'), start('base 2')),
        flow(500),
      ],
    );
  },
  { own: true, settings: KAFKA_SETTINGS },
);
