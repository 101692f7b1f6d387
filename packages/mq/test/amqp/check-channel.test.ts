import { coloredChannel } from '@colorway/mq/amqp';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import * as callbacks from 'amqplib/callback_api';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';

const coloring = createColoring({ service: 'stock', color: '', directory: memoryDirectory() });
afterAll(() => coloring.close());

const give = (channel: unknown) => () => coloredChannel(coloring, channel as never);
const refused = (said: string) =>
  expect.objectContaining({ code: 'COLORWAY_CLIENT_UNSUPPORTED', message: expect.stringContaining(said) });

test('what is no channel of amqplib says what to do', () => {
  expect(give(Promise.resolve())).toThrow(refused('Await the channel first'));
  expect(give({ addSetup: () => {} })).toThrow(refused('addSetup((channel) =>'));
  expect(give({ publish: () => {} })).toThrow(refused('assertQueue()'));
  expect(give(undefined)).toThrow(refused('assertQueue()'));
});

describeWithServers(['rabbitmq'], 'a channel of the callback API', (servers) => {
  test('is refused at once', async () => {
    const connection = await new Promise<callbacks.Connection>((resolve, reject) =>
      callbacks.connect(servers.rabbitmq.url, (error: unknown, made) =>
        error ? reject(error) : resolve(made),
      ),
    );
    try {
      const channel = await new Promise((resolve, reject) =>
        connection.createChannel((error: unknown, made: unknown) => (error ? reject(error) : resolve(made))),
      );
      expect(give(channel)).toThrow(refused('amqplib/callback_api'));
    } finally {
      await new Promise<void>((resolve) => connection.close(() => resolve()));
    }
  });
});
