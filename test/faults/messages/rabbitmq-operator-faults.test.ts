import { describeWithServers } from '../../services/jest/describe-with-servers.mjs';
import { faultTest } from './fault-test.js';
import { rabbitmqWorld } from './rabbitmq-world.js';
import {
  active,
  close,
  flow,
  inTurn,
  kill,
  loud,
  open,
  operate,
  quiet,
  settled,
  start,
  stop,
  together,
  withdraw,
} from './schedule.js';

describeWithServers(
  ['rabbitmq'],
  'RabbitMQ, what an operator does, faults',
  (servers) => {
    const scenario = faultTest(() => rabbitmqWorld(servers.rabbitmq));

    scenario(
      "a color's queue is deleted, and its consumer declares it again",
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red'),
        active('red'),
        flow(500),
        quiet(),
        settled(),
        operate('delete-queue', 'red'),
        flow(1_500),
        loud(),
        flow(1_500),
      ],
    );

    scenario(
      "the baseline's queue is deleted, and its consumers declare it again",
      ['red'],
      [
        start('base 1'),
        start('base 2'),
        start('red 1', 'red'),
        active('red'),
        flow(500),
        quiet(),
        settled(),
        operate('delete-queue'),
        flow(1_500),
        loud(),
        flow(1_500),
      ],
    );

    scenario(
      'the exchanges that route by color are deleted, and consumers put them back',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red'),
        active('red'),
        flow(500),
        quiet(),
        settled(),
        operate('delete-routing'),
        flow(500),
        loud(),
        flow(1_500),
      ],
    );
  },
  { own: true },
);

describeWithServers(
  ['rabbitmq'],
  'RabbitMQ, at every step of a leave, faults',
  (servers) => {
    const scenario = faultTest(() => rabbitmqWorld(servers.rabbitmq));
    const moments = [0, 10, 20, 40, 60, 90, 130, 200];

    scenario(
      'the colored consumer is closed, with messages in hand, at every moment of a leave',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red', 30),
        active('red'),
        ...moments.flatMap((ms) => [
          flow(500),
          together(withdraw('red'), inTurn(flow(ms), close('red 1'))),
          open('red 1'),
          active('red'),
        ]),
        flow(500),
        together(withdraw('red'), stop('red 1')),
      ],
    );

    scenario(
      'the colored consumer is killed, with messages in hand, at every moment of a leave',
      ['red'],
      [
        start('base 1'),
        ...moments.flatMap((ms, index) => [
          start(`red ${index + 1}`, 'red', 30),
          active('red'),
          flow(500),
          together(withdraw('red'), inTurn(flow(ms), kill(`red ${index + 1}`))),
        ]),
        flow(500),
      ],
    );

    scenario(
      'the colored consumer begins to close a moment before its color leaves',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red', 30),
        active('red'),
        ...moments.flatMap((ms) => [
          flow(500),
          together(close('red 1'), inTurn(flow(ms), withdraw('red'))),
          open('red 1'),
          active('red'),
        ]),
        flow(500),
        withdraw('red'),
      ],
    );
  },
  { own: true },
);
