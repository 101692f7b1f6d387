import { activeColor, activeFlowType } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { fakeColoring } from './fake-coloring.js';
import { HOSTS, stopHosts } from './hosts.js';
import { get, parseAnswer, sendRaw } from './raw-request.js';

setupContext();
afterEach(stopHosts);

const H = 'x-infr-flowtype';
const members = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `m${from + i}=v`).join(',');

/** Header lines as they go over the wire, and what the handler sees. */
const SERVED: readonly (readonly [
  name: string,
  lines: readonly string[],
  color: string | null,
  text: string | null,
])[] = [
  ['the prefix alone', [`${H}: CE_`], null, null],
  ['an empty header', [`${H}:`], null, null],
  ['a color of 64 characters', [`${H}: CE_${'a'.repeat(64)}`], null, null],
  ['a color of 63 characters', [`${H}: CE_${'a'.repeat(63)}`], 'a'.repeat(63), `CE_${'a'.repeat(63)}`],
  ['an underscore', [`${H}: CE_feat_cart`], null, null],
  ['a mark of 8,000 characters', [`${H}: ${'x'.repeat(8_000)}`], null, null],
  ['__proto__', [`${H}: CE___proto__`], null, null],
  ['constructor', [`${H}: CE_constructor`], 'constructor', 'CE_constructor'],
  ['a header called __proto__', ['__proto__: CE_red', `${H}: CE_red`], 'red', 'CE_red'],
  ['UTF-8 bytes', [`${H}: CE_\xc3\xa9t\xc3\xa9`], null, null],
  ['a mark with a tab', [`${H}: CE_a\tb`], null, null],
  ['a semicolon', [`${H}: CE_a;b`], null, null],
  ['spaces around', [`${H}:   CE_red   `], 'red', 'CE_red'],
  ['the header in capitals', ['X-INFR-FLOWTYPE: CE_red'], 'red', 'CE_red'],
  ['the same line twice', [`${H}: CE_red`, `${H}: CE_red`], 'red', 'CE_red'],
  ['two lines that differ', [`${H}: CE_red`, `${H}: CE_blue`], null, null],
  ['two values in a line', [`${H}: CE_red, CE_blue`], null, null],
  ['400 lines', Array.from({ length: 400 }, () => `${H}: CE_red`), null, null],
  ['1,000 baggage members, ours first', [`baggage: ${H}=CE_red,${members(1_000)}`], 'red', 'CE_red'],
  ['1,000 baggage members, ours last', [`baggage: ${members(1_000)},${H}=CE_red`], 'red', 'CE_red'],
  [
    'baggage lines',
    [`baggage: ${members(3)}`, `baggage: ${H}=CE_red`, `baggage: ${members(3, 3)}`],
    'red',
    'CE_red',
  ],
  ['malformed percent-encoding of ours', [`baggage: ${H}=CE_red%`], null, null],
  ['malformed percent-encoding of another', [`baggage: a=%E0%A4%A,${H}=CE_red,%=%`], 'red', 'CE_red'],
  ['percent-encoded NUL', [`baggage: ${H}=CE_red%00`], null, null],
  ['percent-encoded CR LF', [`baggage: ${H}=CE_red%0D%0Ax:%20y`], null, null],
  ['percent-encoded comma', [`baggage: ${H}=CE_red%2CCE_blue`], null, null],
  ['__proto__ as a baggage key', [`baggage: __proto__=1,${H}=CE_red,constructor=2`], 'red', 'CE_red'],
  ['baggage of separators', [`baggage: ${',;='.repeat(2_000)}`], null, null],
];

/** Bytes that Node's parser refuses: the connection must get an answer or end, and the server go on. */
const REFUSED: readonly (readonly [name: string, line: string])[] = [
  ['64 KB', `${H}: ${'a'.repeat(65_536)}`],
  ['64 KB of baggage', `baggage: ${H}=CE_red,${'a=b,'.repeat(16_384)}`],
  ['NUL', `${H}: CE_red\0`],
  ['a bare CR', `${H}: CE_red\rx: y`],
  ['a line folded', `${H}: CE_red\r\n folded`],
];

describe.each(HOSTS)('hostile input never throws into a request: $name', (host) => {
  const errors: unknown[] = [];
  const start = async () => {
    const coloring = fakeColoring();
    errors.length = 0;
    const { port, server } = await host.start(coloring, {
      handle: () => [activeColor() ?? null, activeFlowType()?.text ?? null],
      onError: (error) => errors.push(error),
    });
    server.maxHeadersCount = 0;
    return { coloring, port };
  };

  it('and is served as what it means', async () => {
    const { port } = await start();
    for (const [name, lines, color, text] of SERVED) {
      const answer = await get(port, lines);
      expect([name, answer.status, answer.body]).toEqual([name, 200, JSON.stringify([color, text])]);
    }
    expect(errors).toEqual([]);
  });

  it('and what the parser refuses does no harm', async () => {
    const { port, coloring } = await start();
    for (const [name, line] of REFUSED) {
      const text = await sendRaw(port, `GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${line}\r\n\r\n`);
      if (text !== '') expect([name, parseAnswer(text).status]).not.toEqual([name, 500]);
    }
    expect((await get(port, [`${H}: CE_red`])).body).toBe('["red","CE_red"]');
    expect(errors).toEqual([]);
    expect(coloring.inFlight.count).toBe(0);
  });
});
