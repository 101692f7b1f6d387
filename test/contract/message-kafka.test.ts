import { Kafka, logLevel } from 'kafkajs';
import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { kafkaMessages } from './kafka-messages.js';
import { describeMessages } from './message-contract.js';
import { describeTopics } from './topic-contract.js';

describeWithServers(['kafka'], 'message contract', (servers) => {
  const client = (): Kafka =>
    new Kafka({
      brokers: servers.kafka.brokers,
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50 },
    });
  describeMessages('Kafka', () => kafkaMessages({ client }));
  describeTopics('Kafka', client);
});
