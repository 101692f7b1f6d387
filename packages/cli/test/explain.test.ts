import { EXIT } from '../src/index.js';
import { Shell } from './shell.js';

describe('explain', () => {
  it('says where a call goes, and why', async () => {
    const shell = new Shell();
    await shell.start('order');
    await shell.start('order', 'feat-cart');
    await shell.start('stock');
    expect(await shell.run('explain', 'order', '--color', 'feat-cart', '--json')).toMatchObject({
      status: EXIT.done,
      documents: [{ kind: 'colored', reason: 'colored', instances: [{ color: 'feat-cart' }] }],
    });
    expect((await shell.run('explain', 'stock', '--color', 'feat-cart')).out).toContain(
      'does not contain stock',
    );
    expect((await shell.run('explain', 'order')).out).toContain('no-color');
  });

  it('tells a call that would be refused by its exit status', async () => {
    const shell = new Shell();
    await shell.start('order');
    await shell.run('env', 'create', 'feat-cart', '--services', 'order');
    const { status, out } = await shell.run('explain', 'order', '--color', 'feat-cart');
    expect(status).toBe(EXIT.notReady);
    expect(out).toContain('COLORWAY_MEMBER_DOWN');
    expect((await shell.run('explain', 'ordr')).out).toContain('Check the spelling');
  });

  it('refuses a color outside the grammar', async () =>
    expect(await new Shell().run('explain', 'order', '--color', 'feat_cart')).toMatchObject({
      status: EXIT.usage,
    }));
});
