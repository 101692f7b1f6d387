import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { endDemos, startDemo } from './start-demo.js';

const TEST_MS = 120_000;

afterEach(endDemos);

async function expectMessages(title: string, ...args: string[]): Promise<void> {
  const demo = startDemo(...args);
  const status = await demo.status;
  const text = demo.output();
  if (status !== 0) throw new Error(`the demo ended with status ${status}:\n${text}`);
  expect(text).toContain(`messages over ${title}`);
  for (const color of ['feat-cart', 'feat-price']) {
    expect(text).toMatch(
      new RegExp(`message orders ──▶ stock ${color} \\(GID_${color}_stock-\\w+, why: \\w+\\)`),
    );
  }
  expect(text.match(/message orders ──▶ stock baseline \(GID_stock-/g)).toHaveLength(2);
  expect(text).toContain('200 messages, 0 lost, doubled or astray');
}

describeWithServers(
  ['kafka'],
  'npm run demo -- --kafka',
  (servers) => {
    it('sends its messages over Kafka', () => expectMessages('Kafka', '--kafka', servers.kafka.url), TEST_MS);
  },
  { own: true },
);

describeWithServers(
  ['rabbitmq'],
  'npm run demo -- --amqp',
  (servers) => {
    it(
      'sends its messages over RabbitMQ',
      () => expectMessages('RabbitMQ', '--amqp', servers.rabbitmq.url),
      TEST_MS,
    );
  },
  { own: true },
);

describe('npm run demo -- --kafka', () => {
  it(
    'says what is missing where there is no address',
    async () => {
      const demo = startDemo('--kafka');
      expect(await demo.status).toBe(1);
      expect(demo.output()).toContain('--kafka needs an address');
    },
    TEST_MS,
  );
});
