import { activeColor, bind, type Coloring, detached, explain } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { metrics } from '@opentelemetry/api';
import { countingMeterProvider } from './counting-meter-provider.js';
import { fakeColoring } from './fake-coloring.js';
import { HOSTS, stopHosts } from './hosts.js';
import { get } from './raw-request.js';

setupContext();
const counted = countingMeterProvider();
beforeAll(() => {
  metrics.setGlobalMeterProvider(counted);
});
beforeEach(() => counted.reset());
afterAll(() => metrics.disable());
afterEach(stopHosts);
afterEach(() => jest.restoreAllMocks());

const RED = 'x-infr-flowtype: CE_red';

/** A call to a service, as routing tells it; returns its color. */
function call(): string | undefined {
  const color = activeColor();
  explain({
    caller: 'order',
    service: 'stock',
    color,
    kind: color === undefined ? 'baseline' : 'colored',
    reason: color === undefined ? 'no-color' : 'colored',
    instance: undefined,
    attempt: 1,
  });
  return color;
}

function later(ms: number): void {
  jest.restoreAllMocks();
  const now = performance.now.bind(performance);
  jest.spyOn(performance, 'now').mockImplementation(() => now() + ms);
}

describe.each(HOSTS)('a color that sticks to what outlives its request: $name', (host) => {
  async function serve(contextLoss: Coloring['contextLoss'], lines = [RED]) {
    const coloring = fakeColoring({ contextLoss });
    let sticky = call;
    let mended = call;
    const { port } = await host.start(coloring, {
      handle: () => {
        call();
        sticky = bind(call); // what a timer, a queue or a connection does that this request was the first to use
        mended = detached(() => bind(call));
        return {};
      },
    });
    await get(port, lines);
    await coloring.inFlight.idle();
    return { sticky: () => sticky(), mended: () => mended() };
  }

  it('is counted a minute after the answer, and logged once', async () => {
    const { sticky, mended } = await serve('log');
    expect(sticky()).toBe('red');
    later(59_000);
    sticky();
    expect(counted.of('coloring.context.stale')).toBe(0);
    later(62_000);
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    sticky();
    sticky();
    expect(warned.mock.calls).toEqual([
      [
        expect.stringContaining('detached()'),
        expect.objectContaining({
          code: 'COLORWAY_CONTEXT_STALE',
          detail: expect.stringContaining('stale-context'),
        }),
      ],
    ]);
    expect(counted.of('coloring.context.stale', { 'coloring.service': 'stock' })).toBe(2);
    expect(mended()).toBeUndefined();
    expect(counted.of('coloring.context.stale')).toBe(2);
  });

  it('not of uncolored requests, nor where it is switched off', async () => {
    const { sticky } = await serve('count', []);
    const off = await serve('off');
    later(3_600_000);
    sticky();
    off.sticky();
    expect(counted.of('coloring.context.stale')).toBe(0);
  });

  it('not while a long response lasts', async () => {
    const { port } = await host.start(fakeColoring({ contextLoss: 'count' }), {
      handle: ({ res }) => {
        res.write('event');
        later(600_000);
        call();
        res.end();
        return undefined;
      },
    });
    await get(port, [RED]);
    expect(counted.of('coloring.context.stale')).toBe(0);
  });
});
