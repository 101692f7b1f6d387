import { rename } from 'node:fs/promises';
import { isColorwayError, withColor } from '@colorway/core';
import { coloredFetch } from '@colorway/http/fetch';
import { type ColoringService, createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { ProcessFleet } from '../support/process-fleet.js';

let fleet: ProcessFleet;
let coloring: ColoringService;
let call: (color?: string, init?: RequestInit) => Promise<string>;

beforeEach(async () => {
  fleet = await ProcessFleet.open();
  coloring = createColoring({
    service: 'caller',
    color: '',
    directory: fileDirectory({ folder: fleet.folder }),
    closing: { noticeMs: 0 },
  });
  const fetch = coloredFetch(coloring, { services: ['stock'] });
  call = (color, init) =>
    withColor(color, async () => {
      const response = await fetch('http://stock/items/7', init);
      return response.text();
    });
});

afterEach(async () => {
  await coloring.close();
  await fleet.close();
});

/** Calls without a pause, from many sides, until it is told to stop. */
function keepCalling(color: string | undefined, concurrent = 16) {
  let stopped = false;
  const answers: string[] = [];
  const errors: unknown[] = [];
  const workers = Array.from({ length: concurrent }, async () => {
    while (!stopped) {
      try {
        answers.push(await call(color));
      } catch (error) {
        errors.push(error);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  });
  return {
    answers,
    errors,
    async stop() {
      stopped = true;
      await Promise.all(workers);
    },
  };
}

const codes = (errors: readonly unknown[]) => [
  ...new Set(errors.map((error) => (isColorwayError(error) ? error.code : String(error)))),
];
const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1_000));

async function until(
  what: string,
  truth: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await truth())) {
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Until this process's view has the baseline, and as many live instances in the color. */
function sees(color: string, count: number): Promise<void> {
  return until(`the baseline, and ${count} instances of ${color}`, () => {
    const stock = coloring.view().services.get('stock');
    const decision = stock?.colored.get(color);
    const live = decision !== undefined && 'instances' in decision ? decision.instances.length : 0;
    return stock?.uncolored.kind === 'baseline' && live === count;
  });
}

it('one of two colored instances is killed under load: the other serves, nobody else notices, no stray', async () => {
  const [, victim] = await Promise.all([
    fleet.start('stock'),
    fleet.start('stock', 'feat-cart', { DELAY_MS: '5' }),
    fleet.start('stock', 'feat-cart', { DELAY_MS: '5' }),
  ]);
  await sees('feat-cart', 2);
  const colored = keepCalling('feat-cart');
  const baseline = keepCalling(undefined, 4);
  await seconds(0.3);
  await victim.end('SIGKILL');
  const before = colored.answers.length;
  await until('calls go on', () => colored.answers.length > before + 100);
  await Promise.all([colored.stop(), baseline.stop()]);
  expect(baseline.errors).toEqual([]);
  expect(colored.errors.length).toBeLessThanOrEqual(16);
  expect(codes(colored.errors).filter((code) => code !== 'COLORWAY_INSTANCE_UNREACHABLE')).toEqual([]);
  expect(colored.answers.filter((who) => !who.startsWith('feat-cart'))).toEqual([]);
  expect(baseline.answers.filter((who) => !who.startsWith('baseline'))).toEqual([]);
}, 30_000);

it('the only colored instance is killed: typed errors, first unreachable, then member-down, never the baseline', async () => {
  const [, victim] = await Promise.all([fleet.start('stock'), fleet.start('stock', 'feat-cart')]);
  await sees('feat-cart', 1);
  const colored = keepCalling('feat-cart', 4);
  const baseline = keepCalling(undefined, 4);
  await seconds(0.3);
  await victim.end('SIGKILL');
  await until('the lease has run out', () => codes(colored.errors).includes('COLORWAY_MEMBER_DOWN'));
  await Promise.all([colored.stop(), baseline.stop()]);
  expect(codes(colored.errors).sort()).toEqual(['COLORWAY_INSTANCE_UNREACHABLE', 'COLORWAY_MEMBER_DOWN']);
  expect(colored.answers.filter((who) => !who.startsWith('feat-cart'))).toEqual([]);
  expect(baseline.errors).toEqual([]);

  await fleet.start('stock', 'feat-cart');
  await sees('feat-cart', 1);
  expect(await call('feat-cart')).toMatch(/^feat-cart/);
}, 30_000);

it("an instance that accepts and never answers: the caller's own timeout ends the call, in the client's own words", async () => {
  const [, frozen] = await Promise.all([
    fleet.start('stock'),
    fleet.start('stock', 'feat-cart', { LEASE_MS: '60000' }),
  ]);
  await sees('feat-cart', 1);
  frozen.child.kill('SIGSTOP');
  await expect(call('feat-cart', { signal: AbortSignal.timeout(300) })).rejects.toMatchObject({
    name: 'TimeoutError',
  });
  expect(await call()).toMatch(/^baseline/);
  frozen.child.kill('SIGCONT');
  expect(await call('feat-cart')).toMatch(/^feat-cart/);
}, 30_000);

it('a paused instance loses its lease, and registers again when it wakes', async () => {
  const [, paused] = await Promise.all([fleet.start('stock'), fleet.start('stock', 'feat-cart')]);
  await sees('feat-cart', 1);
  paused.child.kill('SIGSTOP');
  await sees('feat-cart', 0);
  await expect(call('feat-cart')).rejects.toMatchObject({ code: 'COLORWAY_MEMBER_DOWN' });
  paused.child.kill('SIGCONT');
  await sees('feat-cart', 1);
  expect(await call('feat-cart')).toMatch(/^feat-cart/);
}, 30_000);

it('the directory goes away and comes back: calls go on by the last good view, and its age is visible', async () => {
  await Promise.all([fleet.start('stock'), fleet.start('stock', 'feat-cart')]);
  await sees('feat-cart', 1);
  await rename(fleet.folder, `${fleet.folder}.away`);
  const colored = keepCalling('feat-cart', 4);
  const baseline = keepCalling(undefined, 4);
  await seconds(2.5);
  expect(coloring.viewAge()).toBeGreaterThan(1_500);
  await Promise.all([colored.stop(), baseline.stop()]);
  expect([...colored.errors, ...baseline.errors]).toEqual([]);
  await rename(`${fleet.folder}.away`, fleet.folder);
  await until('the view is current again', () => coloring.viewAge() < 1_000);
  expect(await call('feat-cart')).toMatch(/^feat-cart/);
}, 30_000);

it('SIGTERM under load: deregister, drain, close; no request is lost, colored or not', async () => {
  const [leaving] = await Promise.all([
    fleet.start('stock', '', { DELAY_MS: '20' }),
    fleet.start('stock', '', { DELAY_MS: '20' }),
    fleet.start('stock', 'feat-cart', { DELAY_MS: '20' }),
  ]);
  await sees('feat-cart', 1);
  const colored = keepCalling('feat-cart', 8);
  const baseline = keepCalling(undefined, 8);
  await seconds(0.3);
  await leaving.end('SIGTERM');
  await Promise.all([colored.stop(), baseline.stop()]);
  expect([...colored.errors, ...baseline.errors]).toEqual([]);
  expect(baseline.answers.at(-1)).not.toBe(`baseline ${leaving.pid}`);
}, 30_000);
