import { ColorwayError, isColorwayError, quote, RequestsInFlight, warnOnce } from '../src/index.js';

it('an error carries its code, its status and its cause', () => {
  const cause = new Error('why');
  const error = new ColorwayError('COLORWAY_MEMBER_DOWN', 'down', { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: 'ColorwayError',
    code: 'COLORWAY_MEMBER_DOWN',
    status: 503,
    statusCode: 503,
    expose: true,
    message: 'down',
    cause,
  });
  expect(isColorwayError(error)).toBe(true);
  expect(JSON.stringify(error)).not.toContain('brand');
});

it.each([
  undefined,
  null,
  7,
  'COLORWAY_CLOSED',
  {},
  new Error('x'),
  { code: 'COLORWAY_CLOSED' },
  Object.create(null),
])('%p is no ColorwayError', (value) => {
  expect(isColorwayError(value)).toBe(false);
});

it('two copies of this package in one process know each other: errors, contexts, names, warnings', () => {
  jest.isolateModules(() => {
    const other = require('../src/index.js') as typeof import('../src/index.js');
    const mine = require('../src/index.js') as typeof import('../src/index.js');
    expect(other.ColorwayError).not.toBe(ColorwayError);
    expect(mine).toBe(other);

    const error = new other.ColorwayError('COLORWAY_CLOSED', 'closed');
    expect(error instanceof ColorwayError).toBe(false);
    expect(isColorwayError(error)).toBe(true);
    expect(other.isColorwayError(new ColorwayError('COLORWAY_CLOSED', 'closed'))).toBe(true);
  });
});

it('a color of one copy is seen by the other, and so are the names in force', async () => {
  const here = await import('../src/index.js');
  const { setupContext } = await import('../src/setup/index.js');
  setupContext();
  jest.isolateModules(() => {
    const other = require('../src/index.js') as typeof here;
    const context = here.withFlowType(here.activeContext(), here.flowTypeOfColor('red'));
    expect(other.flowTypeIn(context)).toEqual(here.flowTypeOfColor('red'));
    expect(here.flowTypeIn(other.withFlowType(context, other.flowTypeOfColor('blue')))).toMatchObject({
      color: 'blue',
    });
    const names = here.resolveCarrierNames({ headers: 'x-env' });
    here.useCarrierNames(names);
    expect(other.carrierNames()).toBe(names);
    here.useCarrierNames(here.resolveCarrierNames());
  });
});

it('warns once for a code, in all copies', async () => {
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  warnOnce('COLORWAY_TEST', 'first');
  warnOnce('COLORWAY_TEST', 'second');
  jest.isolateModules(() =>
    (require('../src/index.js') as { warnOnce: typeof warnOnce }).warnOnce('COLORWAY_TEST', 'third'),
  );
  expect(emit.mock.calls).toEqual([['first', { type: 'ColorwayWarning', code: 'COLORWAY_TEST' }]]);
  emit.mockRestore();
});

it.each([
  ['a"b', '"a\\"b"'],
  ['\r\n\0', '"\\r\\n\\u0000"'],
  ['x'.repeat(81), `"${'x'.repeat(80)}…"`],
  [7, '"7"'],
  [undefined, '"undefined"'],
  [Symbol('s'), '"Symbol(s)"'],
  [Object.create(null), '"object"'],
  [
    {
      toString: () => {
        throw new Error('no');
      },
    },
    '"object"',
  ],
])('quote shows %p', (value, text) => {
  expect(quote(value)).toBe(text);
});

it('RequestsInFlight tells when nothing is in flight, and whether all of it is colored', async () => {
  const inFlight = new RequestsInFlight();
  await inFlight.idle();
  expect(inFlight.allColored).toBe(false);
  inFlight.begin(true);
  expect([inFlight.count, inFlight.allColored]).toEqual([1, true]);
  inFlight.begin(false);
  expect([inFlight.count, inFlight.allColored]).toEqual([2, false]);
  let idle = 0;
  const waiting = [inFlight.idle(), inFlight.idle()].map((one) => one.then(() => idle++));
  inFlight.end(true);
  await new Promise(setImmediate);
  expect(idle).toBe(0);
  inFlight.end(false);
  await Promise.all(waiting);
  expect(idle).toBe(2);
});
