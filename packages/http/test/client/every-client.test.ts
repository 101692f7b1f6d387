import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  activeContext,
  activeTrail,
  DECISION_CHANNEL,
  type DecisionEvent,
  runInContext,
  Trail,
  withColor,
  withTrail,
} from '@colorway/core';
import { propagation } from '@opentelemetry/api';
import { CLIENTS } from '../support/clients.js';
import { FakeColoring, type FakeColoringOptions } from '../support/fake-coloring.js';
import { type Echo, Fleet, freePort, recordOf } from '../support/fleet.js';

describe.each(CLIENTS)('$name', ({ make, retries }) => {
  const fleet = new Fleet();
  const colorings: FakeColoring[] = [];

  afterEach(async () => {
    await Promise.all(colorings.splice(0).map((coloring) => coloring.close()));
    await fleet.close();
  });

  function coloringOf(options: FakeColoringOptions = {}): FakeColoring {
    const coloring = new FakeColoring(options);
    colorings.push(coloring);
    return coloring;
  }

  async function shop() {
    const coloring = coloringOf();
    const [base, cart] = await Promise.all([
      fleet.start(coloring, 'stock'),
      fleet.start(coloring, 'stock', { color: 'feat-cart' }),
    ]);
    return { coloring, base, cart, call: make(coloring) };
  }

  async function echoOf(answer: Promise<{ body: string }>): Promise<Echo> {
    return JSON.parse((await answer).body) as Echo;
  }

  it('routes by color: colored, baseline, not a member', async () => {
    const { call, base, cart } = await shop();
    expect((await echoOf(call('http://stock/items/7'))).id).toBe(base.id);
    expect((await echoOf(withColor('feat-cart', () => call('http://stock/items/7')))).id).toBe(cart.id);
    expect((await echoOf(withColor('feat-other', () => call('http://stock/items/7')))).id).toBe(base.id);
  });

  it('matches the host in lower case, with the port of the scheme or none, and calls under its name', async () => {
    const { call, base } = await shop();
    const { url, headers, id } = await echoOf(call('http://STOCK:80/items/7?a=1'));
    expect({ id, url, host: headers.host }).toEqual({ id: base.id, url: '/items/7?a=1', host: 'stock' });
  });

  it('sends the color in the flow header and first in the baggage', async () => {
    const { call } = await shop();
    const baggage = propagation.createBaggage({ tenant: { value: 'a b' } });
    const context = propagation.setBaggage(activeContext(), baggage);
    const { headers } = await echoOf(
      runInContext(context, () => withColor('feat-cart', () => call('http://stock/'))),
    );
    expect(headers['x-infr-flowtype']).toBe('CE_feat-cart');
    expect(headers.baggage).toBe('x-infr-flowtype=CE_feat-cart,tenant=a%20b');
  });

  it("keeps the caller's baggage and replaces its color: the context is the truth", async () => {
    const { call, base, cart } = await shop();
    const headers = Object.freeze({
      'X-Infr-FlowType': 'CE_feat-evil',
      Baggage: 'a=1,x-infr-flowtype=CE_feat-evil,b=2;p',
      'x-mine': '1',
    });
    const colored = await echoOf(
      withColor('feat-cart', () => call('http://stock/', Object.freeze({ headers }))),
    );
    expect(colored).toMatchObject({
      id: cart.id,
      headers: {
        'x-infr-flowtype': 'CE_feat-cart',
        baggage: 'x-infr-flowtype=CE_feat-cart,a=1,b=2;p',
        'x-mine': '1',
      },
    });
    const uncolored = await echoOf(call('http://stock/', Object.freeze({ headers })));
    expect(uncolored).toMatchObject({ id: base.id, headers: { baggage: 'a=1,b=2;p', 'x-mine': '1' } });
    expect(uncolored.headers).not.toHaveProperty('x-infr-flowtype');
  });

  it('lets no color out to hosts that are no services, even one that the caller sets', async () => {
    const { call } = await shop();
    const foreign = await fleet.serve('foreign');
    const headers = Object.freeze({
      'x-infr-flowtype': 'CE_feat-cart',
      baggage: 'a=1,x-infr-flowtype=CE_feat-cart',
    });
    const url = `http://127.0.0.1:${foreign.port}/x`;
    for (const answer of [withColor('feat-cart', () => call(url, { headers })), call(url, { headers })]) {
      const got = await echoOf(answer);
      expect(got.headers).not.toHaveProperty('x-infr-flowtype');
      expect(got.headers.baggage).toBe('a=1');
      expect(got.headers.host).toBe(`127.0.0.1:${foreign.port}`);
    }
  });

  it.each([
    ['a list of names', ['127.0.0.1']],
    ['patterns', [/^127\./g]],
    ['a function', (host: string) => host === '127.0.0.1'],
  ])('lets the color out to allowed hosts: %s', async (_, propagateTo) => {
    const coloring = coloringOf();
    const foreign = await fleet.serve('foreign');
    const call = make(coloring, { propagateTo });
    for (let again = 0; again < 2; again++) {
      const { headers } = await echoOf(
        withColor('feat-cart', () => call(`http://127.0.0.1:${foreign.port}/x`)),
      );
      expect(headers).toMatchObject({
        'x-infr-flowtype': 'CE_feat-cart',
        baggage: 'x-infr-flowtype=CE_feat-cart',
      });
    }
  });

  it('carries marks of other kinds on, and routes nothing by them', async () => {
    const { call, base } = await shop();
    const baggage = propagation.createBaggage({ 'x-infr-flowtype': { value: 'loadtest' } });
    const { id, headers } = await echoOf(
      runInContext(propagation.setBaggage(activeContext(), baggage), () => call('http://stock/')),
    );
    expect(id).toBe(base.id);
    expect(headers['x-infr-flowtype']).toBe('loadtest');
  });

  it('refuses a member that is down, and never slides to the baseline', async () => {
    const { call, coloring, base, cart } = await shop();
    coloring.member('stock', 'feat-cart');
    coloring.remove(cart.id);
    await expect(withColor('feat-cart', () => call('http://stock/'))).rejects.toMatchObject({
      code: 'COLORWAY_MEMBER_DOWN',
    });
    coloring.remove(base.id);
    await expect(call('http://stock/')).rejects.toMatchObject({ code: 'COLORWAY_BASELINE_DOWN' });
    expect(base.requests).toHaveLength(0);
  });

  it('refuses an expected service that the directory does not know', async () => {
    const call = make(coloringOf(), { services: ['stock'] });
    await expect(call('http://stock/')).rejects.toMatchObject({ code: 'COLORWAY_SERVICE_UNKNOWN' });
  });

  it('waits for a directory that has not answered, and then routes', async () => {
    const coloring = coloringOf({ answered: false });
    const [base, cart] = await Promise.all([
      fleet.start(coloring, 'stock'),
      fleet.start(coloring, 'stock', { color: 'feat-cart' }),
    ]);
    const call = make(coloring);
    const body = 'x'.repeat(10_000);
    const waiting = [
      echoOf(withColor('feat-cart', () => call('http://stock/a', { method: 'POST', body }))),
      echoOf(call('http://stock/b')),
      echoOf(withColor('feat-cart', () => call('http://stock/c'))),
    ];
    setTimeout(() => coloring.answer(), 20);
    const [post, get, colored] = await Promise.all(waiting);
    expect(post).toMatchObject({ id: cart.id, body, headers: { 'x-infr-flowtype': 'CE_feat-cart' } });
    expect(get?.id).toBe(base.id);
    expect(colored).toMatchObject({ id: cart.id, headers: { 'x-infr-flowtype': 'CE_feat-cart' } });
  });

  it('lets addresses and localhost pass while the directory has not answered, without the color', async () => {
    const coloring = coloringOf({ answered: false });
    const foreign = await fleet.serve('foreign');
    const call = make(coloring);
    const { headers } = await echoOf(withColor('feat-cart', () => call(`http://127.0.0.1:${foreign.port}/`)));
    expect(headers).not.toHaveProperty('x-infr-flowtype');
    expect((await call(`http://localhost:${foreign.port}/`)).status).toBe(200);
  });

  it('fails typed when the directory never answers', async () => {
    const call = make(coloringOf({ answered: false, directoryTimeoutMs: 30 }), {
      services: ['stock.internal'],
    });
    for (const answer of [
      withColor('feat-cart', () => call('http://stock.internal/')),
      withColor('feat-cart', () => call('http://stock/')),
      call('http://stock.internal/'),
    ]) {
      await expect(answer).rejects.toMatchObject({ code: 'COLORWAY_DIRECTORY_UNANSWERED' });
    }
  });

  it('lets a call without a color go on when the directory does not answer in time, and waits for it once', async () => {
    const call = make(coloringOf({ answered: false, directoryTimeoutMs: 400 }));
    const told = async () => {
      const error = await call('http://nobody-here/').catch((thrown) => thrown);
      return String(error.cause?.message ?? error.message);
    };
    expect(await told()).toMatch(/nobody-here.*directory has not answered yet/);
    const begun = performance.now();
    expect(await told()).toContain('nobody-here');
    expect(performance.now() - begun).toBeLessThan(350);
  });

  it('says of a name that nobody knows which services the directory knows', async () => {
    const coloring = coloringOf();
    await fleet.start(coloring, 'stock');
    await fleet.start(coloring, 'order');
    const error = await make(coloring)('http://stokc/').catch((thrown) => thrown);
    expect(String(error.cause?.message ?? error.message)).toMatch(
      /stokc.*does not know a service "stokc"; it knows order, stock/,
    );
  });

  it('sends 2,000 concurrent calls of mixed colors, and none strays', async () => {
    const coloring = coloringOf();
    const colors = [undefined, 'a', 'b', 'c'];
    for (const color of colors)
      for (let one = 0; one < 2; one++)
        await fleet.start(coloring, 'stock', color === undefined ? {} : { color });
    const call = make(coloring);
    const answers = await Promise.all(
      Array.from({ length: 2_000 }, async (_, at) => {
        const color = colors[at % colors.length];
        return { color, ...(await echoOf(withColor(color, () => call('http://stock/')))) };
      }),
    );
    const strays = answers.filter(
      ({ id, color, headers }) =>
        !id.startsWith(`stock-${color ?? 'base'}-`) ||
        headers['x-infr-flowtype'] !== (color && `CE_${color}`),
    );
    expect(strays).toEqual([]);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(8);
  }, 20_000);

  it('gives a colored call the typed error, and an uncolored one its own, when nobody listens', async () => {
    const coloring = coloringOf();
    const port = await freePort();
    coloring.put(recordOf('dead', 'stock', port, 'feat-cart'), recordOf('dead-base', 'stock', port));
    const call = make(coloring);
    const error = await withColor('feat-cart', () => call('http://stock/')).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'COLORWAY_INSTANCE_UNREACHABLE', cause: { code: 'ECONNREFUSED' } });
    expect(error.message).toContain('feat-cart');
    expect(error.message).toContain('stock');
    expect(error.message).toContain(`127.0.0.1:${port}`);
    const native = await call('http://stock/').catch((thrown) => thrown);
    expect(native.cause?.code ?? native.code).toBe('ECONNREFUSED');
    expect(native.code ?? '').not.toContain('COLORWAY');
  });

  it('gives a colored call the typed error when its instance is killed in the middle, and others go on', async () => {
    const coloring = coloringOf();
    const silent = await fleet.start(coloring, 'stock', { color: 'feat-cart', handler: () => {} });
    const base = await fleet.start(coloring, 'stock');
    const call = make(coloring);
    const hanging = withColor('feat-cart', () => call('http://stock/', { method: 'POST', body: 'x' })).catch(
      (thrown) => thrown,
    );
    while (silent.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await silent.kill();
    expect((await echoOf(call('http://stock/'))).id).toBe(base.id);
    expect(await hanging).toMatchObject({ code: 'COLORWAY_INSTANCE_UNREACHABLE' });
    expect(silent.requests).toHaveLength(1);
  });

  it('aborts with the reason of the caller, without another attempt', async () => {
    const coloring = coloringOf();
    const one = await fleet.start(coloring, 'stock', { color: 'feat-cart', handler: () => {} });
    const two = await fleet.start(coloring, 'stock', { color: 'feat-cart', handler: () => {} });
    const call = make(coloring);
    const timedOut = await withColor('feat-cart', () =>
      call('http://stock/', { signal: AbortSignal.timeout(50) }),
    ).catch((thrown) => thrown);
    expect(`${timedOut.name} ${timedOut.code}`).toMatch(/TimeoutError|AbortError|CanceledError/);
    const controller = new AbortController();
    const aborted = withColor('feat-cart', () => call('http://stock/', { signal: controller.signal })).catch(
      (thrown) => thrown,
    );
    setTimeout(() => controller.abort(), 30);
    expect((await aborted).name).toMatch(/AbortError|CanceledError/);
    expect(one.requests.length + two.requests.length).toBe(2);
  });

  it('moves away from an instance that accepts and never answers', async () => {
    const coloring = coloringOf();
    const silent = await fleet.start(coloring, 'stock', { handler: () => {} });
    const good = await fleet.start(coloring, 'stock');
    const call = make(coloring);
    const hanging: Promise<unknown>[] = [];
    const controller = new AbortController();
    for (let round = 0; round < 60; round++) {
      const answer = call('http://stock/', { signal: controller.signal });
      const done = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 100))]);
      if (done === undefined) hanging.push(answer.catch(() => {}));
    }
    controller.abort();
    await Promise.all(hanging);
    expect(silent.requests.length).toBeLessThanOrEqual(5);
    expect(good.requests.length).toBeGreaterThanOrEqual(55);
  });

  it('closes the connections of an instance that leaves, after its requests', async () => {
    const coloring = coloringOf();
    let finish = () => {};
    const old = await fleet.start(coloring, 'stock', {
      handler: (request, response) => {
        if (request.url !== '/slow') response.end('ok');
        else finish = () => response.end('slow');
      },
    });
    const call = make(coloring);
    await Promise.all([call('http://stock/'), call('http://stock/')]);
    const slow = call('http://stock/slow');
    while (old.requests.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    const next = await fleet.start(coloring, 'stock');
    coloring.remove(old.id);
    expect((await echoOf(call('http://stock/'))).id).toBe(next.id);
    finish();
    expect((await slow).body).toBe('slow');
    while (old.sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('keeps connections alive', async () => {
    const coloring = coloringOf();
    const stock = await fleet.start(coloring, 'stock');
    const call = make(coloring);
    for (let one = 0; one < 10; one++) await call('http://stock/');
    /* undici frees a connection a moment after the body has ended. */
    expect(new Set(stock.requests.map(({ socket }) => socket)).size).toBeLessThanOrEqual(2);
  });

  it('tells each decision, and takes over the way that the response tells', async () => {
    const coloring = coloringOf();
    const stock = await fleet.start(coloring, 'stock', {
      color: 'feat-cart',
      handler: (_, response) =>
        response.setHeader('Server-Timing', 'price;desc="feat-cart 10.0.0.7:3001 colored", db;dur=3').end(),
    });
    const call = make(coloring, { services: ['nobody'] });
    const events: DecisionEvent[] = [];
    const listen = (event: unknown) => void events.push(event as DecisionEvent);
    subscribe(DECISION_CHANNEL, listen);
    const trail = new Trail();
    await runInContext(withTrail(activeContext(), trail), () =>
      withColor('feat-cart', async () => {
        expect(activeTrail()).toBe(trail);
        await call('http://stock/');
        await call('http://nobody/').catch(() => {});
      }),
    );
    unsubscribe(DECISION_CHANNEL, listen);
    expect(trail.toServerTiming()).toBe(
      `stock;desc="feat-cart 127.0.0.1:${stock.port} colored", price;desc="feat-cart 10.0.0.7:3001 colored", nobody;desc="feat-cart - service-unknown"`,
    );
    expect(events).toMatchObject([
      {
        caller: 'caller',
        service: 'stock',
        color: 'feat-cart',
        kind: 'colored',
        reason: 'colored',
        instance: { id: stock.id },
        attempt: 1,
      },
      { service: 'nobody', kind: 'unknown', reason: 'service-unknown', instance: undefined },
    ]);
  });

  it('refuses calls after close', async () => {
    const { call, coloring } = await shop();
    await call('http://stock/');
    await coloring.close();
    await expect(call('http://stock/')).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
  });

  if (retries) {
    it('tries an idempotent request again at another instance of the same color', async () => {
      const coloring = coloringOf();
      const port = await freePort();
      coloring.put(
        recordOf('dead-1', 'stock', port, 'feat-cart'),
        recordOf('dead-2', 'stock', port, 'feat-cart'),
      );
      const alive = await fleet.start(coloring, 'stock', { color: 'feat-cart' });
      const base = await fleet.start(coloring, 'stock');
      const call = make(coloring);
      const ids = await Promise.all(
        Array.from(
          { length: 30 },
          async () =>
            (await echoOf(withColor('feat-cart', () => call('http://stock/', { method: 'PUT', body: 'x' }))))
              .id,
        ),
      );
      expect(new Set(ids)).toEqual(new Set([alive.id]));
      expect(base.requests).toHaveLength(0);
    });

    it('tries again when the connection breaks before the response, but not a POST that was sent', async () => {
      const coloring = coloringOf();
      const breaking = await fleet.start(coloring, 'stock', {
        handler: (request) => request.socket.resetAndDestroy(),
      });
      const call = make(coloring);
      await expect(call('http://stock/')).rejects.toBeDefined();
      expect(breaking.requests).toHaveLength(3);
      await expect(call('http://stock/', { method: 'POST', body: 'x' })).rejects.toBeDefined();
      expect(breaking.requests).toHaveLength(4);
    });

    it('tries any method again when nothing was sent', async () => {
      const coloring = coloringOf();
      const port = await freePort();
      coloring.put(recordOf('dead', 'stock', port));
      const alive = await fleet.start(coloring, 'stock');
      const call = make(coloring);
      for (let one = 0; one < 10; one++) {
        expect(await echoOf(call('http://stock/', { method: 'POST', body: 'x' }))).toMatchObject({
          id: alive.id,
          body: 'x',
        });
      }
    });
  }
});
