import { PassThrough, Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { activeColor, withColor } from '@colorway/core';
import { coloredDispatcher } from '@colorway/http/undici';
import { type Dispatcher, pipeline, request, stream } from 'undici';
import { FakeColoring } from '../support/fake-coloring.js';
import { Fleet } from '../support/fleet.js';

/** One socket for all: whoever opens it must not lend its color to those that come after. */
describe('callbacks of undici on a connection that others have opened', () => {
  const fleet = new Fleet();
  let coloring: FakeColoring;
  let dispatcher: Dispatcher;

  beforeEach(async () => {
    coloring = new FakeColoring();
    await fleet.start(coloring, 'stock', {
      handler: (_, response) => {
        response.write('first');
        setTimeout(() => response.end('last'), 3);
      },
    });
    dispatcher = coloredDispatcher(coloring, { pool: { connections: 1 } });
  });
  afterEach(async () => {
    await coloring.close();
    await fleet.close();
  });

  const COLORS = ['red', undefined, 'blue', undefined, 'red'];

  /** The colors that the callbacks of each call have seen, called one after the other and all at once. */
  async function seen(call: (note: () => void) => Promise<unknown>): Promise<void> {
    const one = async (color: string | undefined) => {
      const colors = new Set<string | undefined>();
      await withColor(color, () => call(() => void colors.add(activeColor())));
      expect([...colors]).toEqual([color]);
    };
    for (const color of COLORS) await one(color);
    await Promise.all(COLORS.map(one));
  }

  it('stream', () =>
    seen((note) =>
      stream('http://stock/', { dispatcher, method: 'GET' }, () => {
        note();
        return new Writable({
          write(_chunk, _encoding, done) {
            note();
            done();
          },
        });
      }),
    ));

  it('pipeline', () =>
    seen(async (note) => {
      const duplex = pipeline('http://stock/', { dispatcher, method: 'POST' }, ({ body }) => {
        note();
        return body.on('data', note).pipe(new PassThrough());
      });
      Readable.from(['sent']).pipe(duplex);
      duplex.resume();
      await finished(duplex);
    }));

  it('dispatch', () =>
    seen(
      (note) =>
        new Promise<void>((resolve, reject) => {
          dispatcher.dispatch(
            { origin: 'http://stock', path: '/', method: 'GET' },
            {
              onRequestStart: note,
              onResponseStart: note,
              onResponseData: note,
              onResponseEnd: () => {
                note();
                resolve();
              },
              onResponseError: (_controller, error) => reject(error),
            },
          );
        }),
    ));

  it('request, and what listens to its body', () =>
    seen(async (note) => {
      const { body } = await request('http://stock/', { dispatcher });
      note();
      await new Promise<void>((resolve) => void body.on('data', note).on('end', resolve));
      note();
    }));
});
