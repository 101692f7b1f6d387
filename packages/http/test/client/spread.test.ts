import type { RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { withColor } from '@colorway/core';
import { CLIENTS } from '../support/clients.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { Fleet, type Running } from '../support/fleet.js';

const CALLS = 2_000;
const WORKERS = 16;

describe.each(CLIENTS.filter(({ name }) => /undici request|http\.Agent/.test(name)))('$name', ({ make }) => {
  const fleet = new Fleet();
  let coloring: FakeColoring;

  beforeEach(() => {
    coloring = new FakeColoring();
  });
  afterEach(async () => {
    await coloring.close();
    await fleet.close();
  });

  it('a broken environment and an instance that hangs leave the spread of uncolored calls as it is', async () => {
    const healthy: Running[] = [];
    for (let one = 0; one < 4; one++) {
      const handler: RequestListener = async ({ headers }, response) => {
        await delay(5);
        // What stands behind it in red is broken.
        response.writeHead(headers['x-infr-flowtype'] === undefined ? 200 : 502).end();
      };
      healthy.push(await fleet.start(coloring, 'stock', { handler }));
    }
    const hung = await fleet.start(coloring, 'stock', { handler: () => {} });
    const call = make(coloring);
    let left = CALLS;
    let hasEnded = false;
    const red = Array.from({ length: 4 }, async () => {
      while (!hasEnded)
        await withColor('red', () => call('http://stock/', { signal: AbortSignal.timeout(2_000) })).catch(
          () => {},
        );
    });
    const failures: unknown[] = [];
    const uncolored = Array.from({ length: WORKERS }, async () => {
      while (left-- > 0)
        await call('http://stock/', { signal: AbortSignal.timeout(2_000) }).catch((error) =>
          failures.push(error),
        );
    });
    await Promise.all(uncolored);
    hasEnded = true;
    await Promise.all(red);

    const counts = healthy.map(
      ({ requests }) => requests.filter(({ headers }) => headers['x-infr-flowtype'] === undefined).length,
    );
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    /* An instance that is left out for what is red's would have none for a while, and its fellows all. */
    expect(counts.filter((count) => Math.abs(count - mean) > 0.3 * mean)).toEqual([]);
    expect(hung.requests.length).toBeLessThan(CALLS / 20);
    expect(failures.length).toBeLessThanOrEqual(hung.requests.length);
  }, 120_000);
});
