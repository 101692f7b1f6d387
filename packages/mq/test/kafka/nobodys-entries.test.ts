import { subscriptionKey } from '@colorway/core';
import { MemoryShop } from './memory-shop.js';
import { pause, until } from './shop.js';

jest.setTimeout(60_000);

let shop: MemoryShop;
let warned: jest.SpyInstance;
beforeEach(() => {
  warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  shop = new MemoryShop();
});
afterEach(async () => {
  await shop.close();
  warned.mockRestore();
});

const key = (rest: string): string => `mq/${shop.group}/${shop.topic}/${rest}`;
const put = (name: string, value: string) => shop.uncounted.create(name, value);
const isHandled = (ids: readonly string[]): boolean =>
  ids.every((id) => shop.handled.some((one) => one.id === id));

/** One message of the color in each partition, and two others behind each. */
async function sendBehind(color: string): Promise<{ ofColor: string[]; others: string[] }> {
  return { ofColor: await shop.send(2, color), others: await shop.send(4) };
}

describe('an unreadable entry of a color of which nothing is there', () => {
  test.each([
    ['what is no JSON', 'garbage', 'evil-a'],
    ['an object that is none of ours', '{"state":"joined"}', 'evil-b'],
    ['an empty value', '', 'evil-c'],
  ])('%s stops nothing: messages of that color are the baseline’s', async (_, value, color) => {
    await put(key(color), value);
    await shop.start('base');
    const { ofColor, others } = await sendBehind(color);
    await until('all are handled', () => isHandled([...ofColor, ...others]));
    expect(shop.handled.map(({ id }) => id).sort()).toEqual([...ofColor, ...others].sort());
    expect(
      warned.mock.calls.filter(([, options]) => options?.code === 'COLORWAY_HANDOVER_UNREADABLE'),
    ).toHaveLength(1);
  });

  test('one that appears while a consumer runs stops nothing either, and fifty cost three reads more each time', async () => {
    await shop.start('base');
    const first = await shop.send(2);
    await until('it is at work', () => isHandled(first));
    const before = { ...shop.requests };
    for (let n = 0; n < 50; n++) await put(key(`evil-${n}`), 'garbage');
    const { ofColor, others } = await sendBehind('evil-7');
    await until('all are handled', () => isHandled([...ofColor, ...others]));
    await pause(300);
    const again = await sendBehind('evil-7');
    await until('all are handled', () => isHandled([...again.ofColor, ...again.others]));
    const lists = (shop.requests.list ?? 0) - (before.list ?? 0);
    // One for each change that a watch tells of, at most, and three for each of these.
    expect(lists).toBeLessThan(250);
  });

  test('a color that comes into being later joins when the entry is gone, and nothing is handled twice', async () => {
    await put(key('red'), 'garbage');
    await shop.start('base');
    const before = await sendBehind('red');
    await until('all are handled', () => isHandled([...before.ofColor, ...before.others]));
    await expect(shop.start('red', { color: 'red' })).rejects.toMatchObject({
      code: 'COLORWAY_DIRECTORY_FAILED',
    });
    const meanwhile = await sendBehind('red');
    await until('all are handled', () => isHandled([...meanwhile.ofColor, ...meanwhile.others]));
    const entry = await shop.uncounted.get(key('red'));
    if (entry === undefined) throw new Error('it is gone');
    await shop.uncounted.compareAndDelete(key('red'), entry.version);
    await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    await until('red has its own', async () => {
      const ids = await shop.send(2, 'red');
      await until('they are handled', () => isHandled(ids));
      return shop.handled.some(({ id, by }) => ids.includes(id) && by === 'red');
    });
    const ids = shop.handled.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('an unreadable entry stops its color, and what is behind its messages, where', () => {
  const record = () =>
    subscriptionKey({
      service: 'other',
      color: 'red',
      broker: 'kafka',
      group: shop.group,
      topic: shop.topic,
    });
  test.each<[string, string, () => Promise<unknown>]>([
    ['a newer version may have written it', '{"state":"new","epoch":7,"group":"GID_order"}', async () => {}],
    ['the environment exists', 'garbage', () => put('env/red', '{}')],
    ['a service is a member', 'garbage', () => put('CE_other/red', '{}')],
    ['a consumer has a record', 'garbage', () => put(record(), '{}')],
    ['it had a boundary', 'garbage', () => put(key('red/5/join/0'), '{"offset":"0"}')],
  ])('%s', async (_, value, prepare) => {
    await prepare();
    await put(key('red'), value);
    await shop.start('base');
    const { ofColor, others } = await sendBehind('red');
    await pause(1_500);
    expect(shop.handled.filter(({ id }) => [...ofColor, ...others].includes(id))).toEqual([]);
  });
});
