import { parseAddress } from '../../src/address/directory-address.js';

describe('the address of a directory', () => {
  it('has all its parts', () =>
    expect(parseAddress('etcds://root:p%40ss@a:2379,b:2379/team/one/?ca=ca.pem')).toMatchObject({
      kind: 'etcd',
      secure: true,
      username: 'root',
      password: 'p@ss',
      hosts: ['a:2379', 'b:2379'],
      path: 'team/one',
      query: { ca: 'ca.pem' },
    }));

  it.each([
    ['redis://127.0.0.1', 'redis', false],
    ['rediss://127.0.0.1', 'redis', true],
    ['nacos://127.0.0.1:8848', 'nacos', false],
    ['nacoss://127.0.0.1:8848', 'nacos', true],
    ['consul://127.0.0.1:8500', 'consul', false],
    ['consuls://127.0.0.1:8500', 'consul', true],
  ])('%s is %s', (text, kind, secure) => expect(parseAddress(text)).toMatchObject({ kind, secure }));

  it.each(['', '127.0.0.1:8500', 'http://127.0.0.1', 'consul:', 'consul://', 'etcd//a', 'constructor://a'])(
    '%p is none',
    (text) => expect(() => parseAddress(text)).toThrow(/consul:.*etcd:/),
  );

  it('never shows a password', () =>
    expect(() => parseAddress('mongo://ann:secret@host')).toThrow(/ann:\*{3}@host/));

  it('never shows a token', () =>
    expect(parseAddress('consul://a:8500?token=secret&ca=x').shown).toBe('"consul://a:8500?token=***&ca=x"'));
});
