import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { amqpMessages } from './amqp-messages.js';
import { describeMessages } from './message-contract.js';

describeWithServers(['rabbitmq'], 'message contract', (servers) => {
  describeMessages('RabbitMQ, routing mode', () => amqpMessages(servers.rabbitmq.url));
  describeMessages('RabbitMQ, filter mode', () =>
    amqpMessages(servers.rabbitmq.url, { mode: 'filter', graceMs: 300 }),
  );
});
