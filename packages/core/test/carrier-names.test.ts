import { type CarrierOptions, resolveCarrierNames } from '../src/index.js';

it('has defaults', () => {
  expect(resolveCarrierNames()).toMatchObject({
    headers: ['x-infr-flowtype'],
    baggageKeys: ['x-infr-flowtype'],
    prefixes: ['CE_'],
    metadataKeys: ['COLORING_ENV'],
  });
});

it('takes one name or several, headers in lower case, and leaves the caller its list', () => {
  const headers = Object.freeze(['X-Env', 'x-mse-tag']);
  const names = resolveCarrierNames({ headers, prefixes: '', baggageKeys: 'Env' });
  expect(names).toMatchObject({ headers: ['x-env', 'x-mse-tag'], prefixes: [''], baggageKeys: ['Env'] });
  expect(headers).toEqual(['X-Env', 'x-mse-tag']);
  expect(() => (names.headers as unknown as string[]).push('x')).toThrow(TypeError);
});

it.each<[CarrierOptions, string]>([
  [{ headers: [] }, 'carriers.headers: an empty list'],
  [{ headers: '' }, 'carriers.headers: ""'],
  [{ headers: ['ok', 'not ok'] }, 'carriers.headers: "not ok"'],
  [{ baggageKeys: 'a=b' }, 'carriers.baggageKeys: "a=b"'],
  [{ prefixes: 'a,b' }, 'carriers.prefixes: "a,b"'],
  [{ prefixes: 'x'.repeat(33) }, 'carriers.prefixes:'],
  [{ metadataKeys: 'a\nb' }, 'carriers.metadataKeys: "a\\nb"'],
  [{ headers: [7 as unknown as string] }, 'carriers.headers: "7"'],
])('refuses %j', (options, text) => {
  expect(() => resolveCarrierNames(options)).toThrow(
    expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION', message: expect.stringContaining(text) }),
  );
});
