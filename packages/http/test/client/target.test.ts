import { ServiceCaller } from '../../src/client/service-caller.js';
import { Targets } from '../../src/client/target.js';
import { FakeColoring } from '../support/fake-coloring.js';

const asks = (answer: unknown) => (async () => answer) as unknown as () => boolean;

it.each([true, false])('a promise lists no host: a function for services that resolves to %s', (answer) => {
  const targets = new Targets({ services: asks(answer) });
  for (const origin of ['https://api.stripe.com', 'http://stock'])
    expect(targets.ofOrigin(origin)).toMatchObject({ isExpected: false });
  expect(targets.ofOrigin('https://api.stripe.com')).toMatchObject({ maybeService: false, isUnlisted: true });
});

it('nor does it let a color out: a function for propagateTo', () => {
  const caller = new ServiceCaller(new FakeColoring(), { propagateTo: asks(true) });
  expect(caller.propagates(caller.targets.ofOrigin('https://api.stripe.com'))).toBe(false);
});

it('a function for services is asked once of each host, port and scheme, by whichever client', () => {
  const asked: string[] = [];
  const targets = new Targets({
    services: (host) => {
      asked.push(host);
      return true;
    },
  });
  for (let at = 0; at < 3; at++) {
    const target = targets.of('com.acme.Order', undefined, false);
    expect(target).toMatchObject({ service: 'com.acme.order', maybeService: true, isSecure: false });
    expect(targets.of('com.acme.Order', 8080, false)).toMatchObject({ maybeService: false });
    expect(targets.of('com.acme.Order', undefined, true)).toMatchObject({ isSecure: true });
    expect(targets.ofOrigin('http://com.acme.order')).toEqual(target);
  }
  expect(asked.length).toBeLessThanOrEqual(4);
});

it('what is remembered is bounded', () => {
  const asked: string[] = [];
  const targets = new Targets({
    services: (host) => {
      asked.push(host);
      return true;
    },
  });
  for (let at = 0; at < 2_500; at++) targets.of(`s${at}.x`, undefined, false);
  targets.of('s0.x', undefined, false);
  expect(asked).toHaveLength(2_501);
  expect(targets.of('s7.x', undefined, false)).toMatchObject({ host: 's7.x' });
});
