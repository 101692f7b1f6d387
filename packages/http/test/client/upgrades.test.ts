import { activeContext, runInContext, withColor } from '@colorway/core';
import { propagation } from '@opentelemetry/api';
import { FakeColoring, type FakeColoringOptions } from '../support/fake-coloring.js';
import { freePort, recordOf } from '../support/fleet.js';
import { type Opened, opened, SOCKET_CLIENTS, type SocketClientOptions } from '../support/socket-clients.js';
import { SocketFleet } from '../support/socket-fleet.js';

jest.setTimeout(30_000);

describe.each(SOCKET_CLIENTS)('upgrades: $name', ({ make, tellsWhy }) => {
  const fleet = new SocketFleet();
  const colorings: FakeColoring[] = [];

  afterEach(async () => {
    await Promise.all(colorings.splice(0).map((coloring) => coloring.close()));
    await fleet.close();
  });

  function setUp(options: FakeColoringOptions = {}, clientOptions: SocketClientOptions = {}) {
    const coloring = new FakeColoring(options);
    colorings.push(coloring);
    const connect = make(coloring, clientOptions);
    const open = (color?: string, url = 'ws://stock/', headers?: Record<string, string>): Promise<Opened> =>
      withColor(color, () => opened(connect(url, headers)));
    return { coloring, open };
  }

  async function shop(options?: SocketClientOptions) {
    const { coloring, open } = setUp({}, options);
    const base = await fleet.start(coloring, 'stock');
    const red = await fleet.start(coloring, 'stock', { color: 'red' });
    const blue = await fleet.start(coloring, 'stock', { color: 'blue' });
    return { coloring, open, base, red, blue };
  }

  /** What a refused socket fails with, as far as the client tells. */
  const failure = (code: string) => (tellsWhy ? { code } : {});

  it('law 1, 3 and 4: go to the color, or to the baseline, with the color and whom they are for', async () => {
    const { open, base, red } = await shop();
    const { greeting } = await open('red', 'ws://STOCK:80/items/7?a=1');
    expect(greeting).toMatchObject({ id: red.id, color: 'red', url: '/items/7?a=1', doubled: [] });
    expect(greeting.headers).toMatchObject({
      host: 'stock',
      'x-infr-flowtype': 'CE_red',
      baggage: 'x-infr-flowtype=CE_red',
      'x-colorway-wanted': 'stock/red',
      upgrade: 'websocket',
    });
    expect((await open('green')).greeting).toMatchObject({ id: base.id, color: 'green' });
    const plain = (await open()).greeting;
    expect(plain).toMatchObject({ id: base.id, headers: { 'x-colorway-wanted': 'stock/' }, doubled: [] });
    expect(plain.headers).not.toHaveProperty('x-infr-flowtype');
  });

  it("law 1: baggage goes along, and the caller's own headers; the context's color is the truth", async () => {
    const { open, red } = await shop();
    const baggage = propagation.createBaggage({ tenant: { value: '7' } });
    const context = propagation.setBaggage(activeContext(), baggage);
    const one = await runInContext(context, () => open('red', 'ws://stock/', { 'x-mine': '1' }));
    expect(one.greeting.headers).toMatchObject({
      'x-mine': '1',
      baggage: 'x-infr-flowtype=CE_red,tenant=7',
    });
    const copied = { 'x-infr-flowtype': 'CE_blue', baggage: 'a=1,x-infr-flowtype=CE_blue' };
    const two = (await open('red', 'ws://stock/', { ...copied, 'x-colorway-wanted': 'order/blue' })).greeting;
    expect(two).toMatchObject({ id: red.id, color: 'red', doubled: [] });
    expect(two.headers).toMatchObject({
      'x-colorway-wanted': 'stock/red',
      baggage: 'x-infr-flowtype=CE_red,a=1',
    });
  });

  it('law 8: no color leaves for hosts that are no services, unless they are listed', async () => {
    const foreign = await fleet.serve('foreign');
    const url = `ws://127.0.0.1:${foreign.port}/x`;
    const copied = { 'x-infr-flowtype': 'CE_red', baggage: 'a=1,x-infr-flowtype=CE_red' };
    const { open } = await shop();
    for (const color of ['red', undefined]) {
      const { headers, url: path } = (await open(color, url, copied)).greeting;
      expect(headers).not.toHaveProperty('x-infr-flowtype');
      expect(headers).not.toHaveProperty('x-colorway-wanted');
      expect(headers).toMatchObject({ baggage: 'a=1', host: `127.0.0.1:${foreign.port}` });
      expect(path).toBe('/x');
    }
    const listed = setUp({}, { propagateTo: ['127.0.0.1'] });
    expect((await listed.open('red', url)).greeting).toMatchObject({
      color: 'red',
      headers: { baggage: 'x-infr-flowtype=CE_red' },
    });
  });

  it('law 2: a member that is down fails, and nothing reaches another color', async () => {
    const { coloring, open, base, red, blue } = await shop();
    coloring.member('stock', 'red');
    coloring.remove(red.id);
    await expect(open('red')).rejects.toMatchObject(failure('COLORWAY_MEMBER_DOWN'));
    expect([...base.upgrades, ...red.upgrades, ...blue.upgrades]).toEqual([]);
    await expect(setUp({}, { services: ['stock'] }).open('red')).rejects.toMatchObject(
      failure('COLORWAY_SERVICE_UNKNOWN'),
    );
  });

  it('law 6: wait for a directory that has not answered, and fail when it does not', async () => {
    const { coloring, open } = setUp({ answered: false, directoryTimeoutMs: 5_000 });
    const red = await fleet.start(coloring, 'stock', { color: 'red' });
    const waiting = open('red');
    setTimeout(() => coloring.answer(), 20);
    expect((await waiting).greeting).toMatchObject({ id: red.id, color: 'red', doubled: [] });
    await expect(setUp({ answered: false, directoryTimeoutMs: 30 }).open('red')).rejects.toMatchObject(
      failure('COLORWAY_DIRECTORY_UNANSWERED'),
    );
  });

  it('an instance that is another one is passed over, and nobody else is asked', async () => {
    const { coloring, open, base, red, blue } = await shop();
    const others = [
      await fleet.start(coloring, 'stock', { color: 'red', isReally: 'order' }),
      await fleet.start(coloring, 'stock', { color: 'red', isReally: 'order' }),
    ];
    for (let one = 0; one < 12; one++)
      expect((await open('red')).greeting).toMatchObject({ id: red.id, color: 'red', doubled: [] });
    expect([...base.upgrades, ...blue.upgrades]).toEqual([]);
    coloring.remove(red.id);
    await expect(open('red')).rejects.toMatchObject(failure('COLORWAY_INSTANCE_MISDIRECTED'));
    expect(others.flatMap(({ upgrades }) => upgrades)).toEqual([]);
  });

  it('an instance that is going away is passed over, and nobody else is asked', async () => {
    const { coloring, open, base, red, blue } = await shop();
    const leaving = [
      await fleet.start(coloring, 'stock', { color: 'red', isClosing: true }),
      await fleet.start(coloring, 'stock', { color: 'red', isClosing: true }),
    ];
    for (let one = 0; one < 12; one++)
      expect((await open('red')).greeting).toMatchObject({ id: red.id, color: 'red', doubled: [] });
    coloring.remove(red.id);
    await expect(open('red')).rejects.toMatchObject(failure('COLORWAY_INSTANCE_MISDIRECTED'));
    expect([...base.upgrades, ...blue.upgrades, ...leaving.flatMap(({ upgrades }) => upgrades)]).toEqual([]);
  });

  it.each([
    ['is gone', undefined],
    ['breaks off before it answers', (_: unknown, socket: { destroy(): void }) => socket.destroy()],
  ])('an instance that %s is passed over, and nobody else is asked', async (_, handler) => {
    const { coloring, open, base, red, blue } = await shop();
    if (handler === undefined) coloring.put(recordOf('gone', 'stock', await freePort(), 'red'));
    else await fleet.start(coloring, 'stock', { color: 'red', handler });
    for (let one = 0; one < 12; one++)
      expect((await open('red')).greeting).toMatchObject({ id: red.id, color: 'red', doubled: [] });
    coloring.remove(red.id);
    await expect(open('red')).rejects.toMatchObject(failure('COLORWAY_INSTANCE_UNREACHABLE'));
    expect([...base.upgrades, ...blue.upgrades]).toEqual([]);
  });

  it('no instance is asked a second time while there are others', async () => {
    const { coloring, open, red } = await shop();
    coloring.remove(red.id);
    const handler = (_: unknown, socket: { destroy(): void }) => socket.destroy();
    const all = [];
    for (let one = 0; one < 3; one++)
      all.push(await fleet.start(coloring, 'stock', { color: 'red', handler }));
    await expect(open('red')).rejects.toMatchObject(failure('COLORWAY_INSTANCE_UNREACHABLE'));
    expect(all.map(({ upgrades }) => upgrades.length)).toEqual([1, 1, 1]);
  });

  it('an answer that is none to an upgrade is told, and not tried elsewhere', async () => {
    const { coloring, open, red } = await shop();
    coloring.remove(red.id);
    const busy = (_: unknown, socket: { end(text: string): void }) =>
      socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    const both = [
      await fleet.start(coloring, 'stock', { color: 'red', handler: busy }),
      await fleet.start(coloring, 'stock', { color: 'red', handler: busy }),
    ];
    await expect(open('red')).rejects.toThrow(tellsWhy ? /503/ : undefined);
    expect(both.flatMap(({ upgrades }) => upgrades)).toHaveLength(1);
  });

  it('law 1: open, messages and close are in the color of who opened, on connections that others had used', async () => {
    const { open } = await shop();
    const colors = ['red', 'blue', undefined, 'green'];
    const all = await Promise.all(
      Array.from({ length: 24 }, async (_, at) => {
        const color = colors[at % colors.length];
        return { color: color ?? '-', socket: await open(color) };
      }),
    );
    const text = 'm'.repeat(90);
    const answers = await Promise.all(all.map(({ socket }) => socket.ask(text)));
    expect(answers.map((answer) => answer.split(' ')[1])).toEqual(all.map(({ color }) => color));
    await Promise.all(all.map(({ socket }) => withColor('other', () => socket.close())));
    for (const { color, socket } of all) {
      expect(socket.events).toEqual([
        `open ${color}`,
        `message ${color}`,
        `message ${color}`,
        `close ${color}`,
      ]);
    }
  });

  it('open ones live on when their instance leaves the directory, and hold up nothing', async () => {
    const { coloring, open } = setUp();
    const first = await fleet.start(coloring, 'stock', { color: 'red' });
    const kept = await open('red');
    const second = await fleet.start(coloring, 'stock', { color: 'red' });
    coloring.remove(first.id);
    expect((await open('red')).greeting.id).toBe(second.id);
    expect(await kept.ask('still')).toBe(`${first.id} red still`);
    await coloring.close();
    expect(await kept.ask('still')).toBe(`${first.id} red still`);
    await expect(open('red')).rejects.toMatchObject(failure('COLORWAY_CLOSED'));
    await kept.close();
  });
});
