import { describeWithServers } from '../../services/jest/describe-with-servers.mjs';
import { faultTest } from './fault-test.js';
import { KAFKA_ACL_SETTINGS, kafkaWorld } from './kafka-world.js';
import {
  active,
  close,
  directory,
  flow,
  inTurn,
  kill,
  loud,
  open,
  operate,
  quiet,
  reopen,
  type Step,
  settled,
  start,
  stop,
  together,
  withdraw,
} from './schedule.js';

/** What is unread in a topic goes with it, so nothing is. Consumers then find that theirs is gone. */
const remade: Step[] = [quiet(), settled(), operate('remake-topic'), flow(3_000), loud()];

describeWithServers(
  ['kafka'],
  'Kafka, what an operator does, faults',
  (servers) => {
    const scenario = faultTest(() => kafkaWorld(servers.kafka));

    scenario(
      'a topic is deleted and made again while a color is active',
      ['red'],
      [
        start('base 1'),
        start('base 2'),
        start('red 1', 'red'),
        active('red'),
        flow(1_000),
        ...remade,
        flow(2_000),
        withdraw('red'),
        flow(500),
      ],
    );

    scenario(
      'a topic is deleted and made again while a color leaves',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red'),
        active('red'),
        flow(1_000),
        quiet(),
        settled(),
        directory('base 1', 'read-only'),
        together(
          withdraw('red'),
          inTurn(flow(500), operate('remake-topic'), flow(500), directory('base 1', 'well')),
        ),
        loud(),
        flow(1_500),
        reopen('red 1'),
        active('red'),
        flow(1_000),
      ],
    );

    scenario(
      'a topic is deleted and made again before anything was read in it, and the color is down',
      ['red'],
      [
        quiet(),
        start('base 1'),
        start('red 1', 'red'),
        active('red'),
        kill('red 1'),
        operate('remake-topic'),
        loud(),
        // The baseline passes over what is the color's.
        flow(2_000),
        start('base 2'),
        flow(1_000),
        start('red 2', 'red'),
        active('red'),
        flow(1_000),
        withdraw('red'),
        flow(500),
      ],
    );

    scenario(
      'a topic is deleted and made again when a color has left, and the color comes back',
      ['red'],
      [
        start('base 1'),
        start('red 1', 'red'),
        active('red'),
        flow(1_000),
        withdraw('red'),
        flow(300),
        ...remade,
        flow(1_000),
        reopen('red 1'),
        active('red'),
        flow(1_000),
      ],
    );

    scenario(
      "one color's group may not be deleted for a while: others come and go, and in the end it goes too",
      ['red', 'blue'],
      [
        start('base 1'),
        start('red 1', 'red'),
        active('red'),
        flow(500),
        operate('deny-deletion'),
        together(
          withdraw('red'),
          inTurn(
            flow(1_500),
            start('blue 1', 'blue'),
            active('blue'),
            flow(1_000),
            operate('allow-deletion'),
          ),
        ),
        withdraw('blue'),
        flow(500),
      ],
    );

    scenario(
      'calls to the directory for one color hang: another one joins and leaves meanwhile',
      ['red', 'blue'],
      [
        start('base 1'),
        flow(300),
        // A blue message whose owner is open would hold its partition, and what comes after it.
        quiet('blue'),
        settled('blue'),
        directory('base 1', 'stuck', 'blue'),
        start('blue 1', 'blue'),
        start('red 1', 'red'),
        active('red'),
        flow(1_000),
        withdraw('red'),
        flow(500),
        directory('base 1', 'well'),
        active('blue'),
        loud('blue'),
        flow(500),
      ],
    );
  },
  { own: true, settings: KAFKA_ACL_SETTINGS },
);

describeWithServers(
  ['kafka'],
  'Kafka, commits by the application, faults',
  (servers) => {
    const scenario = faultTest(() => kafkaWorld(servers.kafka));

    scenario(
      'the application commits by itself, later: kills while a color joins and leaves',
      ['red'],
      [
        start('base 1', undefined, 3, 'deferred'),
        start('base 2', undefined, 3, 'deferred'),
        flow(800),
        together(start('red 1', 'red', 3, 'deferred'), inTurn(flow(400), kill('base 1'))),
        start('base 3', undefined, 3, 'deferred'),
        active('red'),
        flow(800),
        kill('red 1'),
        start('red 2', 'red', 3, 'deferred'),
        flow(800),
        together(withdraw('red'), inTurn(flow(100), kill('base 2'))),
        flow(500),
      ],
    );

    scenario(
      'results and offsets in one transaction: kills, a baseline that is down, a color that comes back',
      ['red'],
      [
        start('base 1', undefined, 3, 'transactional'),
        flow(800),
        start('red 1', 'red', 3, 'transactional'),
        active('red'),
        flow(800),
        kill('base 1'),
        flow(1_000),
        kill('red 1'),
        start('red 2', 'red', 3, 'transactional'),
        flow(1_000),
        start('base 2', undefined, 3, 'transactional'),
        flow(1_000),
        withdraw('red'),
        flow(500),
      ],
    );
  },
  { own: true, settings: KAFKA_ACL_SETTINGS },
);

describeWithServers(
  ['kafka'],
  'Kafka, at every step of a leave, faults',
  (servers) => {
    const scenario = faultTest(() => kafkaWorld(servers.kafka));
    // A leave takes 0.3 to 1.5 s here: joining, stop and leave boundaries, drain, end of the group.
    const moments = [0, 80, 160, 240, 320, 450, 600, 800];

    scenario(
      'a baseline consumer is killed at every moment of a leave',
      ['red'],
      [
        start('base 0'),
        start('red 1', 'red', 8),
        active('red'),
        ...moments.flatMap((ms, index) => [
          start(`base ${index + 1}`),
          flow(400),
          together(withdraw('red'), inTurn(flow(ms), kill(`base ${index + 1}`))),
          reopen('red 1'),
          active('red'),
        ]),
        flow(500),
      ],
    );

    scenario(
      'the colored consumer is killed at every moment of a leave',
      ['red'],
      [
        start('base 1'),
        start('base 2'),
        ...moments.flatMap((ms, index) => [
          start(`red ${index + 1}`, 'red', 8),
          active('red'),
          flow(400),
          together(withdraw('red'), inTurn(flow(ms), kill(`red ${index + 1}`))),
        ]),
        flow(500),
      ],
    );

    scenario(
      'consumers of both sides are closed at every moment of a leave',
      ['red'],
      [
        start('base 1'),
        start('base 2'),
        start('red 1', 'red', 8),
        active('red'),
        ...moments.flatMap((ms) => [
          flow(400),
          together(withdraw('red'), inTurn(flow(ms), together(close('red 1'), close('base 2')))),
          together(open('red 1'), open('base 2')),
          active('red'),
        ]),
        flow(500),
        together(withdraw('red'), stop('base 2')),
      ],
    );
  },
  { own: true, settings: KAFKA_ACL_SETTINGS },
);
