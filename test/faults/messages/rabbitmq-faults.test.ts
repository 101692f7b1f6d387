import { describeWithServers } from '../../services/jest/describe-with-servers.mjs';
import { faultTest } from './fault-test.js';
import { rabbitmqWorld } from './rabbitmq-world.js';
import {
  active,
  breakChannel,
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
/** Heartbeats are 2 s: after so long the broker has given up a paused consumer's connection. */
const PAST_THE_HEARTBEATS = flow(9_000);

describeWithServers(
  ['rabbitmq'],
  'RabbitMQ, faults',
  (servers) => {
    const scenario = faultTest(() => rabbitmqWorld(servers.rabbitmq));

    scenario(
      'kill -9 of a baseline and of a colored consumer under load, and their return',
      ['red'],
      [
        start('base 1', undefined, 100),
        start('base 2', undefined, 100),
        start('red 1', 'red', 100),
        active('red'),
        flow(800),
        together(kill('base 1'), kill('red 1')),
        flow(1_000),
        together(start('base 3'), start('red 2', 'red')),
        flow(800),
      ],
    );

    scenario(
      'consumers of both sides are paused past the heartbeat timeout and go on',
      ['red'],
      [
        ...TWO,
        start('red 1', 'red'),
        start('red 2', 'red'),
        active('red'),
        flow(500),
        pause('base 1'),
        pause('red 1'),
        PAST_THE_HEARTBEATS,
        resume('base 1'),
        resume('red 1'),
        flow(1_500),
      ],
    );

    scenario(
      'the broker closes channels of both sides, again and again',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red'),
        active('red'),
        ...Array.from({ length: 4 }, () => [
          flow(400),
          breakChannel('base 1'),
          flow(400),
          breakChannel('red 1'),
        ]).flat(),
        flow(1_000),
      ],
    );

    scenario(
      'consumers come and go while a color joins, and while it leaves',
      ['red'],
      [
        start('base 1'),
        flow(300),
        together(start('red 1', 'red'), start('base 2'), breakChannel('base 1')),
        active('red'),
        flow(500),
        together(leave('red'), stop('base 2'), start('base 3')),
        stop('red 1'),
        flow(300),
      ],
    );

    scenario(
      'the broker is killed and starts again, with durable queues and confirms',
      ['red', 'blue'],
      [
        ...TWO,
        start('red 1', 'red'),
        start('blue 1', 'blue'),
        active('red'),
        active('blue'),
        flow(800),
        kill('blue 1'),
        killBroker,
        flow(500),
        restartBroker,
        flow(2_000),
        start('blue 2', 'blue'),
        flow(500),
      ],
    );

    scenario(
      'the directory hangs, fails and is gone: the broker routes on',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red'),
        active('red'),
        directory('base 1', 'hanging'),
        directory('red 1', 'failing'),
        flow(800),
        directoryGone,
        flow(800),
        breakChannel('base 1'),
        breakChannel('red 1'),
        flow(800),
        directoryBack,
        directory('base 1', 'well'),
        directory('red 1', 'well'),
        leave('red'),
        flow(300),
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
        flow(300),
      ],
    );

    const five = ['red', 'blue', 'green', 'teal', 'pink'];
    scenario('five colors join and leave at once', five, [
      ...TWO,
      flow(300),
      together(...five.map((color) => start(`${color} 1`, color))),
      ...five.map(active),
      flow(800),
      kill('blue 1'),
      together(...five.map(withdraw)),
      flow(300),
    ]);

    scenario(
      'an environment is deleted with unread messages; its own consumer drains them',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red', 1_000),
        active('red'),
        flow(1_500),
        quiet('red'),
        deleteEnvironment('red'),
        loud('red'),
        flow(300),
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
  { own: true },
);
