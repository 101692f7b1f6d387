import { memoryBroker } from '@colorway/mq/memory';
import { memoryDirectory } from '@colorway/registry/memory';
import type { Kafka } from 'kafkajs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { startCopier } from './copier.js';
import { handoverState, pause, Shop, until, untilThere } from './shop.js';

/** Handlers that a drain borrows are the consumer's own: what they share was made for one message at a time. */
function oneAtATime(makeShop: () => Shop): void {
  let shop: Shop;
  beforeEach(() => {
    shop = makeShop();
  });
  afterEach(() => shop.close(), 60_000);

  test('a drain and its consumer take turns: one transactional producer serves both', async () => {
    await shop.createTopic(1);
    const out = `${shop.topic}-out`;
    await shop.createTopic(1, out);
    const copied: string[] = [];
    const copy = async (by: string, color?: string) => {
      const coloring = shop.coloring(color);
      if (color !== undefined) await coloring.environments.ensure(color, { owner: 'test' });
      const names = { group: shop.group, from: shop.topic, to: out };
      const copier = await startCopier({
        ...{ coloring, client: shop.client(), ...names },
        at: (stage) => (stage === 'sent' ? pause(100) : undefined),
        onCopy: (id) => copied.push(`${by}:${id}`),
      });
      shop.onClose(copier.stop);
      return { ...copier, coloring };
    };
    const base = await copy('base');
    const red = await copy('red', 'red');
    await until('red is active', () => handoverState(base.coloring) === 'active');
    await red.stop();
    const ids = await shop.send(10, 'red');
    const ending = shop.coloring().environments.delete('red');
    const more = await shop.send(30);
    await ending;
    await untilThere('all copies', () => new Set(copied).size, ids.length + more.length);
    expect(base.coloring.mq.status().consumers[0]).toMatchObject({ phase: 'running' });
    expect(copied.sort()).toEqual([...ids, ...more].map((id) => `base:${id}`).sort());
  }, 90_000);
}

describe('handlers that are drained with, on the memory broker', () => {
  oneAtATime(() => {
    const one = memoryBroker();
    return new Shop([], memoryDirectory(), () => one as unknown as Kafka);
  });
});

describeWithServers(['kafka'], 'handlers that are drained with, on Kafka', (servers) => {
  oneAtATime(() => new Shop(servers.kafka.brokers));
});
