import { Readable } from 'node:stream';
import { MISDIRECTED_HEADER, parseWanted, withColor } from '@colorway/core';
import { coloredFetch } from '@colorway/http/fetch';
import { coloredDispatcher } from '@colorway/http/undici';
import { request } from 'undici';
import { CLIENTS } from '../support/clients.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { echo, Fleet, type Running } from '../support/fleet.js';

describe('an address that is used again', () => {
  const fleet = new Fleet();
  let coloring: FakeColoring;
  let handled: string[] = [];

  beforeEach(() => {
    coloring = new FakeColoring();
    handled = [];
  });
  afterEach(async () => {
    await coloring.close();
    await fleet.close();
  });

  /** As the server adapters answer; what reaches the application is counted. */
  function start(service: string, color: string | undefined, is: string): Promise<Running> {
    return fleet.start(coloring, service, {
      ...(color === undefined ? {} : { color }),
      handler(incoming, response) {
        const wanted = parseWanted(incoming.headers['x-colorway-wanted']);
        if (wanted !== undefined && `${wanted.service}/${wanted.color ?? ''}` !== is) {
          incoming.resume();
          response.writeHead(421, { [MISDIRECTED_HEADER]: '1' }).end('another one');
          return;
        }
        handled.push(`${is} ${incoming.method}`);
        echo(is)(incoming, response);
      },
    });
  }

  describe.each(CLIENTS)('$name', ({ make }) => {
    it.each([undefined, 'red'])(
      'is left for the next instance, whatever the method (color %s)',
      async (color) => {
        const wanted = `stock/${color ?? ''}`;
        const stale = [await start('stock', color, 'stock/blue'), await start('stock', color, 'order/')];
        await start('stock', color, wanted);
        const call = make(coloring);
        for (const method of ['POST', 'PATCH', 'GET', 'DELETE', 'POST', 'GET', 'POST', 'PUT', 'GET', 'GET']) {
          const body = method === 'GET' || method === 'DELETE' ? {} : { body: 'once' };
          const answer = await withColor(color, () => call('http://stock/', { method, ...body }));
          expect({ status: answer.status, ...JSON.parse(answer.body) }).toMatchObject({
            status: 200,
            id: wanted,
            body: body.body ?? '',
          });
        }
        expect(handled).toHaveLength(10);
        for (const { requests } of stale) expect(requests.length).toBeLessThanOrEqual(1);
      },
    );

    it('is refused with a typed error where there is no other instance', async () => {
      await start('stock', 'red', 'stock/blue');
      const call = make(coloring);
      for (let one = 0; one < 3; one++)
        await expect(withColor('red', () => call('http://stock/'))).rejects.toMatchObject({
          code: 'COLORWAY_INSTANCE_MISDIRECTED',
        });
      expect(handled).toEqual([]);
    });

    it("leaves an application's own 421 to the caller", async () => {
      await fleet.start(coloring, 'stock', { handler: (_, response) => response.writeHead(421).end('mine') });
      expect(await make(coloring)('http://stock/')).toEqual({ status: 421, body: 'mine' });
    });
  });

  it('with a body that is a stream: a typed error, and the next call goes on', async () => {
    await start('stock', undefined, 'stock/blue');
    const good = await start('stock', undefined, 'stock/');
    const dispatcher = coloredDispatcher(coloring);
    const fetch = coloredFetch(coloring);
    const outcomes = new Set<unknown>();
    for (let one = 0; one < 6; one++) {
      const body = Readable.from(['first,', 'last']);
      outcomes.add(
        await request('http://stock/', { method: 'POST', dispatcher, body }).then(
          async ({ body: answer }) => ((await answer.json()) as { body: string }).body,
          ({ code }) => code,
        ),
      );
      const init = {
        method: 'POST',
        body: Readable.toWeb(Readable.from(['first,', 'last'])),
        duplex: 'half',
      };
      outcomes.add(
        await fetch('http://stock/', init as unknown as RequestInit).then(
          async (answer) => ((await answer.json()) as { body: string }).body,
          ({ code }) => code,
        ),
      );
    }
    expect([...outcomes].sort()).toEqual(['COLORWAY_INSTANCE_MISDIRECTED', 'first,last']);
    expect(good.requests.length).toBeGreaterThanOrEqual(10);
  });
});
