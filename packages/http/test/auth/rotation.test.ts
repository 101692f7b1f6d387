import { type ServiceAuthOptions, serviceAuth } from '@colorway/http/auth';
import { signed } from './signed-request.js';

const OLD = 'the old secret of thirty-two bytes, or more';
const NEXT = 'the next secret of thirty-two bytes, or more';

type Secrets = Pick<ServiceAuthOptions, 'secrets' | 'signWith'>;

/** Who signs with what at each step of a rotation, as docs/lifecycle.md tells it, in every way that an application may write it. */
function steps(old: string, next: string): readonly (readonly Secrets[])[] {
  const both = Object.fromEntries([
    [old, OLD],
    [next, NEXT],
  ]);
  const turned = Object.fromEntries([
    [next, NEXT],
    [old, OLD],
  ]);
  return [
    [{ secrets: { [old]: OLD } }, { secrets: [[old, OLD]] }],
    [
      {
        secrets: [
          [old, OLD],
          [next, NEXT],
        ],
      },
      { secrets: both, signWith: old },
    ],
    [
      {
        secrets: [
          [next, NEXT],
          [old, OLD],
        ],
      },
      { secrets: turned, signWith: next },
    ],
    [{ secrets: { [next]: NEXT } }, { secrets: [[next, NEXT]] }],
  ];
}

describe.each([
  ['old', 'next'],
  ['2025', '2026'],
  ['2026', '2025'],
  ['1', '0'],
  ['007', '8'],
  ['a', '9'],
  ['9', 'a'],
  ['4294967294', '4294967295'],
  ['9999999999', '1'],
  ['constructor', 'toString'],
  ['1.5', '-1'],
  ['v1', 'v1.'],
])('a rotation from %s to %s', (old, next) => {
  const all = steps(old, next);

  it('loses no call between a step and the next, whoever is at which', () => {
    for (const [index, step] of all.entries()) {
      const beside = [...step, ...(all[index - 1] ?? []), ...(all[index + 1] ?? [])].map((options) =>
        serviceAuth(options),
      );
      for (const options of step) {
        const headers = signed(serviceAuth(options), {}, '/');
        for (const auth of beside)
          expect(auth.verify({ method: 'GET', url: '/', headers }, []).kind).toBe('verified');
      }
    }
  });

  it('takes effect: the next one signs from the third step on, and the old one counts no more after the last', () => {
    const keyIds = all.map((step) =>
      step.map(
        (options) => /keyid="([^"]*)"/.exec(String(signed(serviceAuth(options))['signature-input']))?.[1],
      ),
    );
    expect(keyIds).toEqual([
      [old, old],
      [old, old],
      [next, next],
      [next, next],
    ]);
    const headers = signed(serviceAuth({ secrets: { [old]: OLD } }), {}, '/');
    for (const options of all[3] ?? [])
      expect(serviceAuth(options).verify({ method: 'GET', url: '/', headers }, [])).toEqual({
        kind: 'refused',
        reason: 'key',
      });
  });
});
