import {
  carrierNames,
  membershipKey,
  type StateChange,
  useCarrierNames,
  type WatchObserver,
} from '@colorway/core';
import { composeDirectory, createColoring, withColor } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { cleanUp } from './support/clean-up.js';
import { coloringOn } from './support/coloring.js';
import { until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

const RECORD = { id: 'stock-1', service: 'stock', host: '10.0.0.1', port: 1, metadata: {}, startedAt: 0 };

describe('options', () => {
  it.each([
    ['service', { service: 'a/b' }, 'COLORWAY_INVALID_OPTION'],
    ['service', { service: '' }, 'COLORWAY_INVALID_OPTION'],
    ['service', { service: 'x'.repeat(129) }, 'COLORWAY_INVALID_OPTION'],
    ['color', { color: 'feat_cart' }, 'COLORWAY_INVALID_COLOR'],
    ['carriers', { carriers: { headers: 'no header' } }, 'COLORWAY_INVALID_OPTION'],
    ['contextLoss', { contextLoss: 'loud' as 'log' }, 'COLORWAY_INVALID_OPTION'],
    ['trustBaggage', { trustBaggage: 'false' as never }, 'COLORWAY_INVALID_OPTION'],
    ['assumeInstanceColor', { assumeInstanceColor: 'no' as never }, 'COLORWAY_INVALID_OPTION'],
    ['leaseMs', { leaseMs: 1 }, 'COLORWAY_INVALID_OPTION'],
    ['directoryTimeoutMs', { directoryTimeoutMs: Number.NaN }, 'COLORWAY_INVALID_OPTION'],
    ['drainMs', { closing: { drainMs: 2 ** 31 } }, 'COLORWAY_INVALID_OPTION'],
    ['ttlMs', { environment: { ttlMs: 0 } }, 'COLORWAY_INVALID_OPTION'],
  ])('a bad %s throws, and nothing is left running', (_name, bad, code) => {
    const directory = memoryDirectory();
    const watches = jest.spyOn(directory.instances, 'watch');
    const before = carrierNames();
    expect(() => createColoring({ service: 'order', directory, ...bad })).toThrow(
      expect.objectContaining({ code }),
    );
    expect(watches).not.toHaveBeenCalled();
    expect(carrierNames()).toBe(before);
  });

  it('a directory that cannot be watched leaves the other half unwatched', () => {
    const directory = memoryDirectory();
    const close = jest.fn();
    jest.spyOn(directory.instances, 'watch').mockReturnValue({ close });
    jest.spyOn(directory.state, 'watch').mockImplementation(() => {
      throw new Error('no watch');
    });
    expect(() => createColoring({ service: 'order', directory })).toThrow('no watch');
    expect(close).toHaveBeenCalled();
  });

  it('takes the color from COLORING_ENV, and none from an empty one', () => {
    cleanUp(() => delete process.env.COLORING_ENV);
    process.env.COLORING_ENV = 'feat-cart';
    const options = { service: 'order', directory: memoryDirectory() };
    const fromEnvironment = createColoring(options);
    const explicit = createColoring({ ...options, color: '' });
    cleanUp(() => Promise.all([fromEnvironment.close(), explicit.close()]));
    expect([fromEnvironment.color, explicit.color]).toEqual(['feat-cart', undefined]);
  });
});

describe('the color of outgoing calls', () => {
  it('is the active one, else the instance’s own', async () => {
    const { coloring } = coloringOn(undefined, { color: 'feat-cart' });
    expect(coloring.activeColor()).toBe('feat-cart');
    expect(coloring.flowType()?.text).toBe('CE_feat-cart');
    await withColor('feat-price', async () => {
      await Promise.resolve();
      expect(coloring.activeColor()).toBe('feat-price');
    });
  });

  it('is the active one alone where assumeInstanceColor is off, and in the baseline', () => {
    const off = coloringOn(undefined, { color: 'feat-cart', assumeInstanceColor: false }).coloring;
    const baseline = coloringOn().coloring;
    expect([off.activeColor(), baseline.activeColor()]).toEqual([undefined, undefined]);
    expect(withColor('feat-price', () => [off.activeColor(), baseline.activeColor()])).toEqual([
      'feat-price',
      'feat-price',
    ]);
  });
});

describe('the view', () => {
  it('comes without any call, from both halves', async () => {
    const { coloring, directory } = coloringOn();
    expect(coloring.view().answered).toBe(false);
    expect(coloring.viewAge()).toBe(Number.POSITIVE_INFINITY);
    await directory.instances.register(RECORD, 10_000);
    await directory.state.create(membershipKey('stock', 'feat-down'), '{}');
    await until(
      'the view',
      () => coloring.view().services.get('stock')?.colored.get('feat-down') !== undefined,
    );
    expect(coloring.view().answered).toBe(true);
    expect(coloring.view().services.get('stock')?.uncolored.kind).toBe('baseline');
    expect(coloring.view().services.get('stock')?.colored.get('feat-down')?.reason).toBe('member-down');
    expect(coloring.viewAge()).toBeLessThan(5_000);
  });

  it('is waited for, but not for ever (law 6)', async () => {
    gatherWarnings();
    const directory = memoryDirectory();
    directory.disconnect('hang');
    const { coloring } = coloringOn(directory);
    await expect(coloring.answeredView()).rejects.toMatchObject({ code: 'COLORWAY_DIRECTORY_UNANSWERED' });
    const aborted = AbortSignal.abort(new Error('the caller gave up'));
    await expect(coloring.answeredView(aborted)).rejects.toThrow('the caller gave up');
    const abort = new AbortController();
    const waiting = coloring.answeredView(abort.signal);
    abort.abort(new Error('gave up later'));
    await expect(waiting).rejects.toThrow('gave up later');
    const answered = coloring.answeredView();
    directory.reconnect();
    expect((await answered).answered).toBe(true);
  });

  it('goes on while the directory is away, grows old visibly, and warns once', async () => {
    const warnings = gatherWarnings();
    const { coloring, directory } = coloringOn();
    await directory.instances.register(RECORD, 10_000);
    await until('stock', () => coloring.view().services.get('stock') !== undefined);
    directory.disconnect();
    const view = coloring.view();
    const age = coloring.viewAge();
    await until('older', () => coloring.viewAge() > age + 300);
    expect(coloring.view()).toBe(view);
    expect((await coloring.answeredView()).services.get('stock')?.uncolored.kind).toBe('baseline');
    // One for each half.
    expect(warnings.codes()).toEqual(['COLORWAY_DIRECTORY_FAILED', 'COLORWAY_DIRECTORY_FAILED']);
    directory.reconnect();
    await until('young again', () => coloring.viewAge() < 100);
    directory.disconnect();
    await until('warned of the next outage', () => warnings.codes().length === 4);
  });

  it('is as old as the older half', async () => {
    const instances = memoryDirectory();
    const state = memoryDirectory();
    const { coloring } = coloringOn({ ...composeDirectory({ instances, state }), ...helpers(instances) });
    gatherWarnings();
    await coloring.answeredView();
    state.disconnect('hang');
    await until('older', () => coloring.viewAge() > 600);
  });

  it('a directory without state counts as answered, and says what is lost', async () => {
    const warnings = gatherWarnings();
    const { instances, close } = memoryDirectory();
    const coloring = createColoring({
      service: 'order',
      color: 'feat-cart',
      directory: { instances, close },
      closing: { noticeMs: 0 },
    });
    cleanUp(() => coloring.close());
    expect((await coloring.answeredView()).answered).toBe(true);
    expect(warnings.codes()).toEqual(['COLORWAY_STATE_MISSING']);
    expect(() => coloring.environments).toThrow(expect.objectContaining({ code: 'COLORWAY_STATE_MISSING' }));
    const registration = await coloring.register({ port: 1 });
    expect(registration.state).toBe('registered');
  });

  it('survives a directory that tells garbage', async () => {
    const warnings = gatherWarnings();
    const { coloring, directory } = coloringOn();
    await coloring.answeredView();
    const bad = { ...RECORD, id: 'bad', port: 99_999 };
    await directory.instances.register(bad, 10_000);
    await directory.instances.register(RECORD, 10_000);
    await directory.state.create('CE_', 'x');
    await directory.state.create('CE_order/not_a_color', 'x');
    await until('stock', () => coloring.view().services.get('stock')?.uncolored.kind === 'baseline');
    expect(warnings.messages().join()).toContain('99999');
    expect(coloring.view().services.get('order')).toBeUndefined();
  });

  it('takes a change that cannot be read at all for an outage', async () => {
    const warnings = gatherWarnings();
    let observer: WatchObserver<StateChange> | undefined;
    const memory = memoryDirectory();
    jest.spyOn(memory.state, 'watch').mockImplementation((_prefix, given) => {
      observer = given;
      return { close: () => {} };
    });
    const { coloring } = coloringOn(memory);
    observer?.next(undefined as unknown as StateChange);
    observer?.error(new Error('still away'));
    expect(warnings.codes()).toEqual(['COLORWAY_DIRECTORY_FAILED']);
    expect(coloring.view().answered).toBe(false);
    observer?.next({ kind: 'snapshot', entries: [] });
    await until('answered', () => coloring.view().answered);
  });
});

describe('listeners', () => {
  it('are called once a turn, however many changes came, and not after they left', async () => {
    const { coloring, directory } = coloringOn();
    await coloring.answeredView();
    const services = Array.from({ length: 3 }, (_, turn) =>
      Array.from({ length: 100 }, (_, index) => `${turn}-${index}`),
    );
    const views: number[] = [];
    const stop = coloring.onViewChange((view) => {
      views.push(services.flat().filter((service) => view.services.get(service) !== undefined).length);
    });
    for (const [turn, names] of services.entries()) {
      await Promise.all(
        names.map((name) => directory.instances.register({ ...RECORD, id: name, service: name }, 10_000)),
      );
      await until('told', () => views.at(-1) === (turn + 1) * 100);
    }
    expect(views).toEqual([100, 200, 300]);
    stop();
    await directory.instances.deregister('1-0');
    await until('seen', () => coloring.view().services.get('1-0')?.uncolored.kind === 'unavailable');
    await new Promise(setImmediate);
    expect(views).toHaveLength(3);
  });

  it('that throw stop neither the others nor the process', async () => {
    const warnings = gatherWarnings();
    const { coloring, directory } = coloringOn();
    await coloring.answeredView();
    const other = jest.fn();
    coloring.onViewChange(() => {
      throw new Error('broken listener');
    });
    coloring.onViewChange(other);
    await directory.instances.register(RECORD, 10_000);
    await until('the other called', () => other.mock.calls.length === 1);
    expect(warnings.codes()).toEqual(['COLORWAY_CALLBACK_FAILED']);
  });

  it('10,000 changes in a second reach them all, in few views', async () => {
    const { coloring, directory } = coloringOn();
    await coloring.answeredView();
    const { version } = coloring.view();
    let last = '';
    coloring.onViewChange((view) => {
      const decision = view.services.get('stock')?.uncolored;
      if (decision?.kind === 'baseline') last = decision.instances[0].metadata.change ?? '';
    });
    const changes = 10_000;
    const turns = 100;
    for (let change = 1; change <= changes; ) {
      const batch = [];
      for (let each = 0; each < changes / turns; each++, change++) {
        batch.push(directory.instances.register({ ...RECORD, metadata: { change: String(change) } }, 10_000));
      }
      await Promise.all(batch);
      await new Promise(setImmediate);
    }
    await until('the last change', () => last === String(changes));
    expect(coloring.view().version - version).toBeLessThanOrEqual(turns + 1);
  });
});

function helpers({ disconnect, reconnect, expire }: ReturnType<typeof memoryDirectory>) {
  return { disconnect, reconnect, expire };
}

it('a second coloring that names no carriers leaves those of the first in force, and uses them', async () => {
  const before = carrierNames();
  try {
    const first = coloringOn(undefined, { carriers: { headers: ['x-env'] } }).coloring;
    const second = coloringOn().coloring;
    expect(carrierNames()).toEqual(first.carriers);
    expect(second.carriers).toEqual(first.carriers);
  } finally {
    useCarrierNames(before);
  }
});
