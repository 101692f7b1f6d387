import { createHmac } from 'node:crypto';
import { replayMemory, type ServiceAuthOptions, serviceAuth } from '@colorway/http/auth';
import { signatureBase } from '../../src/auth/signature.js';
import { SECRET } from './signed-request.js';

/* What docs/lifecycle.md says: by the clock of who verifies, from `clockSkewMs` before the creation time until `clockSkewMs` plus one
   second after it, the last millisecond not included. */

const CREATED = 1_800_000_000;
const AT = CREATED * 1_000;
afterEach(() => jest.restoreAllMocks());

/** A request that was signed at `CREATED`, with parameters of its own. */
function request(parameters = '') {
  const covered = ['@method', '@authority', '@path', '@query', 'colorway-caller'];
  const text = `(${covered.map((name) => `"${name}"`).join(' ')});created=${CREATED};keyid="default"${parameters}`;
  const headers: Record<string, string> = { host: 'stock', 'colorway-caller': '"order"' };
  const message = { method: 'GET', authority: 'stock', target: '/', header: (name: string) => headers[name] };
  const signature = createHmac('sha256', SECRET).update(String(signatureBase(message, covered, text)));
  headers['signature-input'] = `colorway=${text}`;
  headers.signature = `colorway=:${signature.digest('base64')}:`;
  return { method: 'GET', url: '/', headers };
}

function outcome(now: number, parameters = '', options: Partial<ServiceAuthOptions> = {}): string {
  jest.spyOn(Date, 'now').mockReturnValue(now);
  const verification = serviceAuth({ secret: SECRET, ...options } as ServiceAuthOptions).verify(
    request(parameters),
    [],
  );
  return verification.kind === 'refused' ? verification.reason : verification.kind;
}

it.each([
  [-30_001, 'time'],
  [-30_000, 'verified'],
  [0, 'verified'],
  [30_999, 'verified'],
  [31_000, 'time'],
  [61_000, 'time'],
])('a signature counts within its window: %d ms after its creation time, %s', (ms, expected) => {
  expect(outcome(AT + ms)).toBe(expected);
});

it.each([
  [-2_001, 'time'],
  [-2_000, 'verified'],
  [2_999, 'verified'],
  [3_000, 'time'],
])('and the window is that of clockSkewMs: of 2 s, %d ms, %s', (ms, expected) => {
  expect(outcome(AT + ms, '', { clockSkewMs: 2_000 })).toBe(expected);
});

it.each([
  [10, 9_999, 'verified'],
  [10, 10_000, 'time'],
  [0, -1, 'verified'],
  [0, 0, 'time'],
  [-5, -5_001, 'verified'],
  [-5, -5_000, 'time'],
  [31, 30_999, 'verified'],
  [3_600, 31_000, 'time'],
])('expires ends it, and never prolongs it: %d s, after %d ms, %s', (seconds, ms, expected) => {
  expect(outcome(AT + ms, `;expires=${CREATED + seconds}`)).toBe(expected);
});

it('the window is never wider than twice clockSkewMs and a second, in any millisecond', () => {
  const now = jest.spyOn(Date, 'now');
  const auth = serviceAuth({ secret: SECRET, clockSkewMs: 1_000 });
  const signed = request();
  let counts = 0;
  for (let ms = -5_000; ms < 5_000; ms++) {
    now.mockReturnValue(AT + ms);
    if (auth.verify(signed, []).kind === 'verified') counts++;
  }
  expect(counts).toBe(3_000);
});

it('a signature that was seen is refused in every millisecond of its window', () => {
  const now = jest.spyOn(Date, 'now');
  const auth = serviceAuth({ secret: SECRET, clockSkewMs: 1_000, replay: true });
  const signed = request(';nonce="once"');
  const verified: number[] = [];
  for (let ms = -1_500; ms < 3_500; ms++) {
    now.mockReturnValue(AT + ms);
    if (auth.verify(signed, []).kind === 'verified') verified.push(ms);
  }
  expect(verified).toEqual([-1_000]);
});

it('a store is told until when it counts here, and by how much other clocks may differ', () => {
  const isNew = jest.fn(() => true);
  expect(outcome(AT, ';nonce="once"', { replay: { isNew }, clockSkewMs: 5_000 })).toBe('verified');
  expect(isNew.mock.calls).toEqual([['default once', AT + 6_000, 5_000]]);
});

it.each([
  [256, 'verified'],
  [257, 'malformed'],
])('a nonce has a greatest length, which bounds what is remembered: %d, %s', (length, expected) => {
  expect(outcome(AT, `;nonce="${'n'.repeat(length)}"`, { replay: true })).toBe(expected);
});

it('what a process remembers is bounded, whatever its clock does', () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  let now = 0;
  const store = replayMemory(1_000, () => now);
  for (let index = 0; index < 20_000; index++) {
    now += index % 3 === 0 ? -1 : 1;
    store.isNew(`${index} ${'x'.repeat(300)}`, now + 1_000_000);
  }
  const remembered = Array.from({ length: 20_000 }, (_, index) => index).filter(
    (index) => !store.isNew(`${index} ${'x'.repeat(300)}`, now + 1_000_000),
  );
  // Each that is asked for pushes the oldest out: none of the last thousand is left when they are reached.
  expect(remembered.length).toBeLessThanOrEqual(1_000);
  warn.mockRestore();
});
