import fc from 'fast-check';

/** Of the same seed come the same records. */
const SEED = 20_261_128;

/** One record as somebody with a hand on the directory may write it. */
export interface HostileRecord {
  readonly id: string;
  /** For registries that keep texts: mostly JSON. */
  readonly text: string;
  /** For those that have fields of their own; `undefined` where the text is no JSON object. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export interface Aims {
  /** A service that is called, and that nobody may take away. */
  readonly good: string;
  /** Where nothing may ever connect to. */
  readonly trapPort: number;
}

/** A service whose instances speak no TLS, and wait at the trap: only `http:` may lead there. */
export const PLAIN_SERVICE = 'payments';

/** Hosts of others, and addresses, that records claim to be services. */
export const CLAIMED_HOSTS: readonly string[] = [
  'api.stripe.com',
  'login.microsoftonline.com',
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '10.0.0.1',
  'localhost',
  'api.localhost',
];

const TEXTS = [
  '10.0.0.1\n',
  '10.0.0.1\r\nset-cookie: a=b',
  'a\0b',
  'stöck',
  'stосk',
  '\u202ekcots',
  '\u001b[2J',
  '\u009b2J',
  '\ud800',
  '',
  ' ',
  '.',
  '..',
  '../../state/env',
  '__proto__',
  'constructor',
  'toString',
  'xn--a',
  '%0a',
  'a/b',
  'a@b',
  '[::1]',
  '::1',
  'fe80::1%eth0',
  'user@stock',
  'stock:80',
  'x'.repeat(300),
];
const NUMBERS: readonly unknown[] = [
  0,
  -1,
  0.5,
  65_536,
  1e300,
  -1e300,
  8.64e15 + 1,
  2 ** 53,
  null,
  '80',
  'NaN',
  '1e300',
  {},
];
const SHAPES: readonly unknown[] = [
  null,
  7,
  true,
  'text',
  [],
  ['10.0.0.1'],
  {},
  { toString: 1, valueOf: 2 },
  { length: 1e9 },
];

/** As many as are wanted: every second one from the list of what was thought of, the others at random. */
export function hostileRecords(count: number, aims: Aims): HostileRecord[] {
  const crafted = craftedRecords(aims);
  const random = fc.sample(randomRecord(aims), { numRuns: Math.ceil(count / 2), seed: SEED });
  return Array.from({ length: count }, (_, index) => {
    const turn = Math.floor(index / 2);
    const record =
      index % 2 === 0 ? crafted[turn % crafted.length]?.(turn) : withOwnId(random[turn] ?? {}, turn);
    return record as HostileRecord;
  });
}

type Make = (turn: number) => HostileRecord;

function craftedRecords({ good, trapPort }: Aims): Make[] {
  const base = { service: 'stock', host: '10.0.0.1', port: 3001, metadata: {}, startedAt: 1 };
  const one =
    (fields: object): Make =>
    (turn) =>
      asRecord({ ...base, ...fields }, turn);
  const raw =
    (text: string): Make =>
    (turn) => ({ id: `raw-${turn}`, text, fields: undefined });
  /** What is large is written a few times alone: it is the registry's memory, too. */
  const large =
    (fields: object): Make =>
    (turn) =>
      asRecord({ ...base, ...(turn < 2_000 ? fields : {}), host: '' }, turn);
  const trap = { host: '127.0.0.1', port: trapPort };
  // Whoever may write a directory may say where a service is: only what nobody can use stands under the name of the good one.
  const unusable = [
    ...[
      { host: '10.0.0.1\n' },
      { host: '\u202e' },
      { host: 'stöck' },
      { host: 'a\0b' },
      { port: 0 },
      { port: 65_536 },
    ],
    { metadata: { COLORING_ENV: 'red\n' } },
  ];
  const mistyped = [
    ...[
      { port: '80' },
      { weight: 1e300 },
      { weight: -1 },
      { weight: 'NaN' },
      { secure: 'yes' },
      { startedAt: 1e300 },
    ],
    ...[{ metadata: 'red' }, { metadata: { a: 7 } }, { host: null }],
  ];
  return [
    ...unusable.map((fields) => one({ service: good, ...fields })),
    ...mistyped.map((fields) => one(fields)),
    ...TEXTS.flatMap((host) => [
      one({ host }),
      one({ service: host, ...trap }),
      one({ metadata: { [host]: host, COLORING_ENV: host } }),
    ]),
    ...NUMBERS.flatMap((number) => [
      one({ port: number }),
      one({ weight: number, port: 0 }),
      one({ startedAt: number, host: '\n' }),
    ]),
    ...SHAPES.flatMap((shape) => [
      one({ service: shape }),
      one({ host: shape }),
      one({ metadata: shape, port: 0 }),
      one({ secure: shape, port: 0 }),
    ]),
    ...CLAIMED_HOSTS.flatMap((service) => [
      one({ service, ...trap }),
      one({ service, ...trap, secure: true }),
    ]),
    one({ service: PLAIN_SERVICE, ...trap }),
    one({ service: PLAIN_SERVICE, ...trap, metadata: { secure: 'TRUE' } }),
    (turn) => asRecord({ ...base, id: `many-${turn % 10}`, service: `claims-${turn % 50}` }, turn),
    (turn) =>
      asRecord({ ...base, service: `color-${turn % 10}`, metadata: { COLORING_ENV: `c-${turn}` } }, turn),
    (turn) => asRecord({ ...base, id: `\u202e${turn}\n`, service: `odd-${turn % 10}` }, turn),
    (turn) =>
      asRecord({ ...base, id: `${turn}${'i'.repeat(turn < 2_000 ? 65_536 : 600)}`, service: 'long' }, turn),
    large({ metadata: Object.fromEntries(Array.from({ length: 4_000 }, (_, n) => [`key-${n}`, 'v'])) }),
    large({ metadata: { a: 'v'.repeat(70_000) } }),
    large({ deep: JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`) }),
    (turn) => claiming(good, { ...base, service: `thief-${turn % 10}` }, turn),
    raw(''),
    raw('no JSON'),
    raw('{"service":"stock"'),
    raw('"text"'),
    raw('[]'),
    raw('null'),
    raw(`${'['.repeat(20_000)}${']'.repeat(20_000)}`),
    raw(`{"service":"deep","metadata":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`),
    raw(
      `{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}},"service":"${good}","port":0}`,
    ),
    raw(`{"service":"${good}","host":"10.0.0.1","port":1e400,"weight":-0,"startedAt":-1e400}`),
    raw('\ufeff{}'),
  ];
}

function randomRecord({ trapPort }: Aims): fc.Arbitrary<Record<string, unknown>> {
  const odd = fc.oneof(
    fc.constantFrom(...TEXTS),
    fc.constantFrom(...CLAIMED_HOSTS),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  const anything = fc.oneof(
    { weight: 5, arbitrary: odd as fc.Arbitrary<unknown> },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(...SHAPES) },
  );
  const numbers = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...NUMBERS) },
    { weight: 1, arbitrary: anything },
  );
  const mostly = (usual: unknown, arbitrary: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 2, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary });
  return fc.record(
    {
      id: fc.option(odd, { nil: undefined }),
      service: mostly('stock', anything),
      host: mostly('127.0.0.1', anything),
      port: mostly(trapPort, numbers),
      weight: mostly(1, numbers),
      secure: mostly(true, anything),
      metadata: mostly({}, fc.oneof(fc.dictionary(odd, anything), anything)),
      startedAt: mostly(1, numbers),
    },
    { requiredKeys: ['service', 'host', 'port', 'metadata', 'startedAt'] },
  );
}

/** Stands where anything stands, and says that it is another one. */
function claiming(id: string, fields: Readonly<Record<string, unknown>>, turn: number): HostileRecord {
  return { id: `claim-${turn}`, text: JSON.stringify({ ...fields, id }), fields: { ...fields, id } };
}

function withOwnId(fields: Readonly<Record<string, unknown>>, turn: number): HostileRecord {
  return asRecord({ ...fields, id: `${typeof fields.id === 'string' ? fields.id : ''}~${turn}` }, turn);
}

function asRecord(fields: Readonly<Record<string, unknown>>, turn: number): HostileRecord {
  const id = typeof fields.id === 'string' && fields.id !== '' ? `${fields.id}` : `hostile-${turn}`;
  return { id, text: JSON.stringify({ ...fields, id }), fields: { ...fields, id } };
}

/** Keys that every state store takes, with what nobody of ours would write. */
export function hostileState(count: number): readonly (readonly [key: string, value: string])[] {
  const values = [
    ...['', 'no JSON', 'null', '[]', '7', '{}', '{"__proto__":{"polluted":1}}', '['.repeat(50_000)],
    ...[
      'NaN',
      '1e400',
      '-1',
      '{"color":7}',
      `{"color":"c","owner":"\u202e","createdAt":0,"expiresAt":1e300}`,
    ],
    '{"color":"c-0","owner":{},"createdAt":"x","expiresAt":null,"history":[null,7,{"at":1e400}]}',
    '{"broker":"kafka","group":"g","state":"joined","at":-1,"discarded":{"__proto__":1}}',
  ];
  const keys = [
    (n: number) => `env/c-${n}`,
    (n: number) => `env/${n}/..`,
    (n: number) => `CE_stock/c-${n}`,
    (n: number) => `CE_localhost/c-${n}`,
    (n: number) => `CE_a b/../c-${n}`,
    (n: number) => `CE_/${n}`,
    (n: number) => `used/c-${n}`,
    (n: number) => `sub/stock/c-${n}/kafka~g`,
    (n: number) => `sub/${n}`,
    (n: number) => `pulse/stock/c-${n}/kafka~g`,
    (n: number) => `policy-${n}`,
  ];
  const state = Array.from({ length: count }, (_, index) => {
    const key = keys[index % keys.length]?.(index) ?? '';
    return [key, values[index % values.length] ?? ''] as const;
  });
  return [...state, ['policy', '{"maxTtlMs":"forever"}']];
}
