import { Kafka, logLevel } from 'kafkajs';
import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { kafkaMessages } from './kafka-messages.js';
import { describeMessages } from './message-contract.js';

describeWithServers(['kafka'], 'message contract', (servers) => {
  describeMessages('Kafka', () =>
    kafkaMessages({
      client: () =>
        new Kafka({
          brokers: servers.kafka.brokers,
          logLevel: logLevel.NOTHING,
          retry: { initialRetryTime: 50 },
        }),
    }),
  );
});
