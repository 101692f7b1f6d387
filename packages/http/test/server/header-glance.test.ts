import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { headerGlance, MAY_CARRY_FLOW, MAY_CARRY_WANTED } from '../../src/server/header-glance.js';

const NAMES = ['x-infr-flowtype', '_env', 'baggage'];
const WANTED = 'x-colorway-wanted';
const mayCarry = headerGlance(NAMES, WANTED);

function request(...rawHeaders: string[]): IncomingMessage {
  const made = new IncomingMessage(new Socket());
  made.rawHeaders = rawHeaders;
  const count = Object.getOwnPropertySymbols(made).find(({ description }) => description === 'kHeadersCount');
  (made as unknown as Record<symbol, number>)[count as symbol] = rawHeaders.length;
  return made;
}

it('never says no where one of the headers stands, in whatever case', () => {
  const name = fc
    .constantFrom(...NAMES, WANTED)
    .chain((text) => fc.mixedCase(fc.constant(text), { toggleCase: (letter) => letter.toUpperCase() }));
  fc.assert(
    fc.property(fc.array(fc.string()), name, fc.array(fc.string()), (before, found, after) => {
      const pairs = [
        ...before.map((text) => [text, '']),
        [found, 'v'],
        ...after.map((text) => [text, '']),
      ].flat();
      const flag = found.toLowerCase() === WANTED ? MAY_CARRY_WANTED : MAY_CARRY_FLOW;
      return (mayCarry(request(...pairs)) & flag) !== 0;
    }),
  );
});

it('says no to the headers of an ordinary request, without making the headers object', () => {
  const ordinary = request(
    'Host',
    'a',
    'Connection',
    'keep-alive',
    'Accept-Encoding',
    'gzip',
    'Referer',
    'b',
    'X-Forwarded-For',
    'c',
    'X-Forwarded-Proto',
    'http',
  );
  expect(mayCarry(ordinary)).toBe(0);
});

it('asks the headers object once somebody has made it: an earlier middleware may have added to it', () => {
  const changed = request('Host', 'a');
  changed.headers['x-infr-flowtype'] = 'CE_feat-cart';
  expect(mayCarry(changed)).toBe(MAY_CARRY_FLOW);
  changed.headers[WANTED] = 'stock';
  expect(mayCarry(changed)).toBe(MAY_CARRY_FLOW | MAY_CARRY_WANTED);
});

it('asks where the list of headers is not to be had', () => {
  expect(mayCarry({ headers: { baggage: 'a=b' } } as unknown as IncomingMessage)).toBe(MAY_CARRY_FLOW);
  expect(mayCarry({ headers: { [WANTED]: 'stock' } } as unknown as IncomingMessage)).toBe(MAY_CARRY_WANTED);
  expect(mayCarry({ headers: {} } as IncomingMessage)).toBe(0);
});
