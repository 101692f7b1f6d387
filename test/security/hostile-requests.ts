import { createRandom } from '@colorway/core';

/** Bytes of one request, as somebody outside may send them. */
export type Hostile = (index: number) => string;

const FLOW = 'x-infr-flowtype';
const SIZE = 15_000;
const fill = (piece: string | ((index: number) => string), size = SIZE): string => {
  let text = '';
  for (let index = 0; text.length < size; index++) text += typeof piece === 'string' ? piece : piece(index);
  return text.slice(0, size);
};

interface Request {
  readonly method?: string;
  readonly target?: string;
  readonly host?: string | undefined;
  readonly lines?: readonly string[];
  readonly body?: string;
  readonly version?: string;
}

function bytes({
  method = 'GET',
  target = '/',
  lines = [],
  body = '',
  version = '1.1',
  ...more
}: Request): string {
  const host = 'host' in more ? more.host : 'stock';
  const head = [
    `${method} ${target} HTTP/${version}`,
    ...(host === undefined ? [] : [`host: ${host}`]),
    ...lines,
  ];
  return `${head.join('\r\n')}\r\nconnection: close\r\n\r\n${body}`;
}

const signatureOf = (input: string, signature = 'colorway=:AAAA:', caller = '"order"'): readonly string[] => [
  `signature-input: ${input}`,
  `signature: ${signature}`,
  `colorway-caller: ${caller}`,
];
const COVERED = '"@method" "@authority" "@path" "@query" "colorway-caller"';
const now = () => Math.floor(Date.now() / 1_000);
const proper = (parameters = '') => `colorway=(${COVERED});created=${now()};keyid="default"${parameters}`;
const upgrade = ['upgrade: a', 'connection: Upgrade'];

/** By name, so that a failure says which. */
export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'a color that is made up': (index) =>
    bytes({ lines: [`${FLOW}: CE_c-${index}`, `baggage: ${FLOW}=CE_b-${index}`] }),
  '15 KB of baggage': (index) =>
    bytes({ lines: [`baggage: ${fill((at) => `k${index}-${at}=v,`)}${FLOW}=CE_x`] }),
  '15 KB of one baggage member': () => bytes({ lines: [`baggage: ${FLOW}=${fill('a')}`] }),
  'baggage that is a run of %': () => bytes({ lines: [`baggage: ${FLOW}=${fill('%')}`] }),
  'baggage of % in keys': () => bytes({ lines: [`baggage: ${fill('%78%2D=%,')}`] }),
  'baggage of malformed UTF-8': () => bytes({ lines: [`baggage: ${fill(`%E0%A4%A=1,${FLOW}=%FF%FE,`)}`] }),
  'baggage of separators': () => bytes({ lines: [`baggage: ${fill(',;=')}`] }),
  'hundreds of baggage lines': () =>
    bytes({ lines: fill(`baggage: ${FLOW}=CE_a\n`).split('\n').slice(0, -1) }),
  'hundreds of flow headers': () => bytes({ lines: fill(`${FLOW}: CE_a\n`).split('\n').slice(0, -1) }),
  '15 KB of a flow header': () => bytes({ lines: [`${FLOW}: CE_${fill('a')}`] }),
  'a flow header that is a run of %': () => bytes({ lines: [`${FLOW}: ${fill('%')}`] }),
  'a flow header of commas': () => bytes({ lines: [`${FLOW}: ${fill('CE_a,')}`] }),
  'carriers of others': (index) =>
    bytes({
      lines: [
        `uberctx-${FLOW}: CE_${index}`,
        `jaeger-baggage: ${fill(`${FLOW}=CE_a,`, 9_000)}`,
        `ot-baggage-${FLOW}: ${fill('%', 5_000)}`,
      ],
    }),
  'names of objects': () =>
    bytes({ lines: ['__proto__: CE_a', 'constructor: CE_a', `baggage: __proto__=1,${FLOW}=CE___proto__`] }),
  'a query of thousands': () => bytes({ target: `/?${fill(`${FLOW}=CE_a&`)}` }),
  'a query that is a run of %': () => bytes({ target: `/?${FLOW}=${fill('%')}` }),
  'a query of +': () => bytes({ target: `/?${FLOW}=${fill('+')}` }),
  'a path that nobody can decode': () => bytes({ target: `/%zz%E0%A4%A/${fill('%25', 5_000)}` }),
  'a path of dots': () => bytes({ target: `/${fill('../')}` }),
  'a cookie of thousands': () => bytes({ lines: [`cookie: ${fill('a=1; ')}${FLOW}=CE_a`] }),
  'a cookie that is a run of %': () => bytes({ lines: [`cookie: ${FLOW}="${fill('%')}"`] }),
  'a cookie of quotes': () => bytes({ lines: [`cookie: ${FLOW}=${fill('"')}`] }),
  'no host': () => bytes({ host: undefined, version: '1.0' }),
  'an empty host': () => bytes({ host: '' }),
  'two hosts': () => bytes({ lines: ['host: evil.example'] }),
  '8 KB of host': () => bytes({ host: fill('a.', 8_000) }),
  'a host that is none': (index) =>
    bytes({ host: ['[::1', 'a b', 'a@b:99999', ':0', '\xe9\xff', '%00', '..'][index % 7] as string }),
  'a host of many ports': () => bytes({ host: fill(':1', 8_000) }),
  'a target with a host': () => bytes({ target: 'http://evil.example:99999/' }),
  'whom it wants, 15 KB': () => bytes({ lines: [`x-colorway-wanted: ${fill('a/')}`] }),
  'whom it wants, hundreds': () =>
    bytes({ lines: fill('x-colorway-wanted: stock/\n').split('\n').slice(0, -1) }),
  'whom it wants, another': (index) => bytes({ lines: [`x-colorway-wanted: price-${index}/c-${index}`] }),
  'whom it wants, garbage': () => bytes({ lines: ['x-colorway-wanted: __proto__/%00/\xff;";/'] }),
  'a signature that is wrong': () => bytes({ lines: signatureOf(proper()) }),
  'a signature with a nonce of its own': (index) =>
    bytes({ lines: signatureOf(proper(`;nonce="${index}${fill('n', 9_000)}"`)) }),
  'a signature of another key': (index) =>
    bytes({ lines: signatureOf(proper().replace('default', `__proto__${index}`)) }),
  'a signature over hundreds of headers': () => {
    const names = Array.from({ length: 400 }, (_, at) => `h${at}`);
    const components = names.map((name) => `"${name}"`).join(' ');
    const input = `colorway=(${COVERED} ${components});created=${now()};keyid="default"`;
    return bytes({ lines: [...signatureOf(input), ...names.map((name) => `${name}: ${name}`)] });
  },
  'thousands of labels': () =>
    bytes({
      lines: signatureOf(
        fill((at) => `l${at}=("a"),`),
        fill((at) => `l${at}=:AA:,`, 500),
      ),
    }),
  'one label a thousand times': () =>
    bytes({ lines: signatureOf(fill('colorway=("a");created=1;keyid="d",')) }),
  'a label that nearly ends': () => bytes({ lines: signatureOf(`colorway=(${fill('"a" ')}`) }),
  'parameters that nearly end': () => bytes({ lines: signatureOf(`colorway=("a")${fill(';a="b"')}!`) }),
  'parameters of digits': () =>
    bytes({ lines: signatureOf(`colorway=("a");created=${fill('9', 9_000)};keyid="default"`) }),
  'commas and tabs': () => bytes({ lines: signatureOf(fill(', \t'), fill(':,', 400)) }),
  'a signature of 15 KB': () => bytes({ lines: signatureOf(proper(), `colorway=:${fill('A', 14_000)}:`) }),
  'a signature that nearly ends': () =>
    bytes({ lines: signatureOf(proper(), `colorway=:${fill('A=', 14_000)}`) }),
  'hundreds of signature lines': () =>
    bytes({ lines: fill('signature-input: colorway=("a");created=1;keyid="a"\n').split('\n').slice(0, -1) }),
  'a caller of 15 KB': () => bytes({ lines: signatureOf(proper(), 'colorway=:AAAA:', `"${fill('a')}"`) }),
  'a caller that nearly ends': () =>
    bytes({ lines: signatureOf(proper(), 'colorway=:AAAA:', `"a";color="${fill('a', 9_000)}`) }),
  'a body that waits': () =>
    bytes({
      method: 'POST',
      lines: ['expect: 100-continue', 'content-length: 4', `${FLOW}: CE_a`],
      body: 'body',
    }),
  'an expectation that is none': () =>
    bytes({ method: 'POST', lines: [`expect: ${fill('x', 9_000)}`, 'content-length: 0'] }),
  'a body that ends too early': () => bytes({ method: 'POST', lines: ['content-length: 100000'], body: 'x' }),
  'chunks that are none': () =>
    bytes({ method: 'POST', lines: ['transfer-encoding: chunked'], body: 'zz\r\nnothing\r\n' }),
  'trailers with a color': () =>
    bytes({
      method: 'POST',
      lines: ['transfer-encoding: chunked', `trailer: ${FLOW}`],
      body: `0\r\n${FLOW}: CE_a\r\nbaggage: ${fill('%', 9_000)}\r\n\r\n`,
    }),
  'two lengths': () =>
    bytes({ method: 'POST', lines: ['content-length: 1', 'transfer-encoding: chunked'], body: '0\r\n\r\n' }),
  'a JSON body that is none': () =>
    bytes({ method: 'POST', lines: ['content-type: application/json', 'content-length: 4'], body: '{{{{' }),
  'an upgrade': (index) => bytes({ lines: [...upgrade, `${FLOW}: CE_u-${index}`] }),
  'an upgrade with 15 KB of baggage': () => bytes({ lines: [...upgrade, `baggage: ${fill(`${FLOW}=%,`)}`] }),
  'an upgrade to HTTP/2': () =>
    bytes({
      lines: [
        'upgrade: h2c',
        'connection: Upgrade, HTTP2-Settings',
        'http2-settings: AAMAAABkAARAAAAAAAIAAAAA',
      ],
    }),
  'an upgrade that is signed wrong': () => bytes({ lines: [...upgrade, ...signatureOf(proper())] }),
  'the preface of HTTP/2': () => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${fill('\0', 100)}`,
  'a method that is none': () => bytes({ method: 'EVIL' }),
  'all of them': () => bytes({ method: 'OPTIONS', target: '*', lines: [`${FLOW}: CE_a`] }),
  'a tunnel': () => bytes({ method: 'CONNECT', target: 'evil.example:443', lines: [`${FLOW}: CE_a`] }),
  'a head without an end': () => `GET / HTTP/1.1\r\nhost: stock\r\n${FLOW}: CE_`,
  'more than a head may be': () => bytes({ lines: [`baggage: ${fill('a=b,', 40_000)}`] }),
  'bytes that no header takes': () => bytes({ lines: [`${FLOW}: CE_\0a`, `baggage: a\rb`] }),
  'twenty in a row': (index) =>
    Array.from(
      { length: 20 },
      (_, at) => `GET /${at} HTTP/1.1\r\nhost: stock\r\n${FLOW}: CE_p-${index}\r\n\r\n`,
    ).join(''),
};

/** So many of them, each shape as often as the next, in an order that is the same each time. */
export function* hostileRequests(count: number): Generator<readonly [name: string, bytes: string]> {
  const shapes = Object.entries(HOSTILE);
  const random = createRandom(9_421);
  const order = Array.from({ length: count }, (_, index) => [random(), index] as const).sort(
    ([a], [b]) => a - b,
  );
  for (const [, index] of order) {
    const [name, make] = shapes[index % shapes.length] as [string, Hostile];
    yield [name, make(index)];
  }
}
