import fc from 'fast-check';
import { formatWanted, parseWanted, resolveCarrierNames } from '../src/index.js';

it.each([
  ['order/red', { service: 'order', color: 'red' }],
  ['order/', { service: 'order', color: undefined }],
  ['Com.Acme.Order_v2/Feat-1', { service: 'com.acme.order_v2', color: 'Feat-1' }],
  [`${'s'.repeat(128)}/${'c'.repeat(63)}`, { service: 's'.repeat(128), color: 'c'.repeat(63) }],
])('reads %s', (text, wanted) => {
  expect(parseWanted(text)).toEqual(wanted);
});

it.each([
  undefined,
  null,
  7,
  ['order/red'],
  '',
  '/',
  'order',
  '/red',
  'order/red/blue',
  'order/red, order/red',
  'order/red_',
  'order/-red',
  ' order/red',
  'order/red ',
  'ord er/',
  'order\n/',
  'ordér/',
  `${'s'.repeat(129)}/`,
  `order/${'c'.repeat(64)}`,
  `${'a/'.repeat(50_000)}`,
])('reads nothing in %j', (text) => {
  expect(parseWanted(text)).toBeUndefined();
});

it('reads what it wrote, and never throws', () => {
  const service = fc.stringMatching(/^[A-Za-z0-9._-]{1,128}$/);
  const color = fc.option(fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/), {
    nil: undefined,
  });
  fc.assert(
    fc.property(service, color, (name, its) => {
      expect(parseWanted(formatWanted(name, its))).toEqual({ service: name.toLowerCase(), color: its });
    }),
  );
  fc.assert(fc.property(fc.anything(), (text) => void parseWanted(text)));
});

it('stands in a header of one name, which is an option', () => {
  expect(resolveCarrierNames().wantedHeader).toBe('x-colorway-wanted');
  expect(resolveCarrierNames({ wantedHeader: 'X-Meant-For' }).wantedHeader).toBe('x-meant-for');
  expect(() => resolveCarrierNames({ wantedHeader: 'x y' })).toThrow('carriers.wantedHeader: "x y"');
});
