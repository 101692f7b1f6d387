import { type MemoryConsumer, memoryBroker } from '@colorway/mq/memory';
import { kafkaMessages } from './kafka-messages.js';
import { describeMessages } from './message-contract.js';
import { describeTopics } from './topic-contract.js';

describeMessages('memoryBroker', () => {
  const broker = memoryBroker();
  return kafkaMessages({
    client: () => broker,
    kill: (consumer) => (consumer as unknown as MemoryConsumer).kill(),
    dispose: () => broker.close(),
  });
});

describeTopics('memoryBroker', () => memoryBroker());

describeMessages('memoryBroker over a socket', async () => {
  const broker = memoryBroker();
  const url = await broker.listen();
  const clients: { close(): Promise<void> }[] = [];
  return kafkaMessages({
    client: () => {
      const client = memoryBroker({ url });
      clients.push(client);
      return client;
    },
    kill: (consumer) => (consumer as unknown as MemoryConsumer).kill(),
    dispose: async () => {
      for (const client of clients) await client.close();
      await broker.close();
    },
  });
});
