import fc from 'fast-check';
import { GroupNames } from '../src/names.js';

const names = new GroupNames();
const codes = (problems: readonly { code: string }[]): string[] => problems.map(({ code }) => code);

describe('GroupNames', () => {
  it.each([
    ['GID_AAA', 'feat-cart', 'GID_feat-cart_AAA'],
    ['orders', 'feat-cart', 'GID_feat-cart_orders'],
    ['GID_', 'a', 'GID_a_GID_'],
    ['$& $1', 'a', 'GID_a_$& $1'],
    ['a_b_c', 'a', 'GID_a_a_b_c'],
    ['<color>', 'a', 'GID_a_<color>'],
  ])('%s in color %s is %s', (group, color, colored) => {
    expect(names.colored(group, color)).toBe(colored);
    expect(names.parse(colored)).toMatchObject({ color, baseline: expect.arrayContaining([group]) });
  });

  it.each([
    ['<name>.<color>', 'orders', 'orders.feat'],
    ['<color>/<name>', 'orders', 'feat/orders'],
    ['q[<color>]<name>!', 'q[x', 'q[feat]x!'],
  ])('pattern %s', (pattern, group, colored) => {
    const own = new GroupNames({ pattern });
    expect(own.colored(group, 'feat')).toBe(colored);
    expect(own.parse(colored)).toMatchObject({ color: 'feat', baseline: expect.arrayContaining([group]) });
  });

  it.each([
    '',
    'GID',
    '<color><name>',
    '<color>-<name>',
    '<color>_<color>',
    '<name>_<name>',
    '<color>_',
    '<color>_<name>_<color>',
  ])('refuses pattern %j', (pattern) => {
    expect(() => new GroupNames({ pattern })).toThrow(
      expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION' }),
    );
  });

  it('reads back what it forms', () => {
    const color = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?$/);
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), color, (group, chosen) => {
        expect(names.parse(names.colored(group, chosen))).toMatchObject({
          color: chosen,
          baseline: expect.arrayContaining([group]),
        });
      }),
    );
  });

  it('does not take other names for colored ones', () => {
    for (const name of ['GID_AAA', 'orders', 'GID__x', 'GID_-a_x', 'GID_a_', `GID_${'c'.repeat(64)}_x`])
      expect(names.parse(name)).toBeUndefined();
  });

  it('neither cuts nor hashes: too long is an error', () => {
    const fits = 'x'.repeat(249 - 'GID_feat_'.length);
    expect(names.colored(fits, 'feat')).toHaveLength(249);
    expect(() => names.colored(`${fits}x`, 'feat')).toThrow(/250 characters; kafka takes 249/);
    const amqp = new GroupNames({ limit: 'amqp' });
    const umlauts = 'ü'.repeat(123);
    expect(amqp.colored(umlauts, 'feat')).toContain(umlauts);
    expect(() => amqp.colored(`${umlauts}ü`, 'feat')).toThrow(/257 bytes; amqp takes 255/);
    expect(() => names.colored('', 'feat')).toThrow(expect.objectContaining({ code: 'COLORWAY_GROUP_NAME' }));
  });

  it('finds two that are one', () => {
    expect(names.lint(['GID_a', 'b'], ['x', 'y'])).toEqual([]);
    expect(names.lint(['GID_a', 'GID_a'], ['x', 'x'])).toEqual([]);
    expect(names.lint(['GID_a', 'a'], ['x'])[0]?.message).toMatch(
      /"GID_x_a" is the name of group "GID_a" in color "x" and of group "a" in color "x"/,
    );
    expect(names.lint(['GID_x_a', 'a'], ['x'])[0]?.message).toMatch(
      /of group "GID_x_a" and of group "a" in color "x"/,
    );
    expect(codes(names.lint(['n'.repeat(249), 'b'], ['x']))).toEqual(['COLORWAY_GROUP_NAME']);
  });
});
