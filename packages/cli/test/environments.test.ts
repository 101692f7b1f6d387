import { join } from 'node:path';
import { fileDirectory } from '@colorway/registry/file';
import { EXIT } from '../src/index.js';
import { Shell } from './shell.js';

describe('env', () => {
  it('creates, lists, extends and deletes', async () => {
    const shell = new Shell();
    const created = await shell.run(
      'env',
      'create',
      'feat-cart',
      '--services',
      'order, stock',
      '--ttl',
      '3d',
      '--owner',
      'ann',
    );
    expect(created).toMatchObject({
      status: EXIT.done,
      out: expect.stringContaining('COLORING_ENV=feat-cart'),
    });
    expect((await shell.run('env', 'list')).out).toMatch(
      /feat-cart\s+ann\s+\S+\s+-\s+in (?:3d|2d 23h)\s+order \(0\), stock \(0\)/,
    );

    const order = await shell.start('order', 'feat-cart');
    expect((await shell.run('env', 'list')).out).toContain('order (1), stock (0)');

    await shell.run('env', 'extend', 'feat-cart', '--ttl', '2w', '--yes');
    expect((await shell.run('env', 'list', '--json')).documents[0]).toMatchObject([
      { color: 'feat-cart', missing: ['stock'] },
    ]);

    expect(await shell.run('env', 'delete', 'feat-cart')).toMatchObject({
      status: EXIT.usage,
      err: expect.stringContaining('--yes'),
    });
    expect(await shell.run('env', 'delete', 'feat-cart', '--yes', '--json')).toMatchObject({
      status: EXIT.done,
      documents: [{ color: 'feat-cart', deleted: true, discarded: 0 }],
    });
    // Its instance lives on, and colored calls reach it.
    expect((await shell.run('env', 'list')).out).toMatch(/feat-cart\s+- \(no record\).* order \(1\)/);
    await order.close();
    expect((await shell.run('env', 'list')).out).toContain('There is no environment');
  });

  it('shows colors that nobody made an environment for, and that something is alive in', async () => {
    const shell = new Shell();
    const directory = fileDirectory({ folder: join(shell.folder, 'directory') });
    const startedAt = Date.now() - 120_000;
    await directory.instances.register(
      {
        ...{ id: 'java', service: 'stock', host: '127.0.0.1', port: 1, startedAt },
        metadata: { COLORING_ENV: 'feat-java' },
      },
      60_000,
    );
    expect((await shell.run('env', 'list')).out).toMatch(
      /feat-java\s+- \(no record\)\s+2m.*\s+-\s+with what is alive\s+stock \(1\)/,
    );
    expect((await shell.run('env', 'list', '--json')).documents[0]).toMatchObject([
      { color: 'feat-java', recorded: false, services: [{ instances: 1, aliveSince: startedAt }] },
    ]);
    const seen = await shell.run('env', 'status', 'feat-java');
    expect(seen.status).toBe(EXIT.done);
    expect(seen.out).toMatch(/only what is alive stands for it, for 2m/);
    expect(seen.out).toMatch(/stock\s+not declared\s+1 instance/);
    expect(seen.out).toContain('colorway env create feat-java --services stock');
    await shell.run('env', 'create', 'feat-java', '--services', 'stock');
    expect((await shell.run('env', 'list', '--json')).documents[0]).toMatchObject([{ recorded: true }]);
    await directory.close();
  });

  it('says that an environment exists already, and whose it is', async () => {
    const shell = new Shell();
    await shell.run('env', 'create', 'feat-cart', '--owner', 'ann');
    const again = await shell.run('env', 'create', 'Feat-Cart');
    expect(again).toMatchObject({
      status: EXIT.failed,
      err: expect.stringContaining('differs from it by case'),
    });
  });

  it.each([
    ['status', 'feat-cart'],
    ['extend', 'feat-cart'],
    ['declare', 'feat-cart', 'order'],
    ['delete', 'feat-cart', '--yes'],
  ])('%s of an environment that is not there has an exit status of its own', async (...args) =>
    expect(await new Shell().run('env', ...args)).toMatchObject({
      status: EXIT.unknownEnvironment,
      err: expect.stringContaining('"feat-cart"'),
    }),
  );

  it('tells before the test starts what is missing', async () => {
    const shell = new Shell();
    await shell.run('env', 'create', 'feat-cart', '--services', 'order');
    const missing = await shell.run('env', 'status', 'feat-cart');
    expect(missing).toMatchObject({ status: EXIT.notReady, err: expect.stringContaining('order') });
    expect(missing.out).toContain('NOT READY');
  });

  it('waits until everything is there', async () => {
    const shell = new Shell();
    await shell.run('env', 'create', 'feat-cart', '--services', 'order');
    const waiting = shell.run('env', 'status', 'feat-cart', '--wait', '--json');
    await shell.start('order', 'feat-cart');
    expect(await waiting).toMatchObject({ status: EXIT.done, documents: [{ ready: true, missing: [] }] });
  });

  it('waits no longer than it is told to', async () => {
    const shell = new Shell();
    await shell.run('env', 'create', 'feat-cart', '--services', 'order');
    const { status } = await shell.run('env', 'status', 'feat-cart', '--wait', '--wait-timeout', '1s');
    expect(status).toBe(EXIT.notReady);
  });

  it('shows memberships that another tool wrote for a color without an environment, and takes them in, or ends them', async () => {
    const shell = new Shell();
    const directory = fileDirectory({ folder: join(shell.folder, 'directory') });
    for (const service of ['order', 'stock']) await directory.state.create(`CE_${service}/feat-java`, '{}');
    await directory.close();
    await shell.start('order', 'feat-cart');
    // It is what routing obeys.
    expect(await shell.run('explain', 'stock', '--color', 'feat-java')).toMatchObject({
      status: EXIT.notReady,
    });
    const seen = await shell.run('env', 'status', 'feat-java');
    expect(seen).toMatchObject({ status: EXIT.notReady, err: expect.stringContaining('order, stock') });
    expect(seen.out).toContain('no record');
    expect(seen.out).toContain('colorway env create feat-java');
    expect((await shell.run('env', 'status', 'feat-java', '--json')).documents).toEqual([
      expect.objectContaining({
        ...{ color: 'feat-java', recorded: false, ready: false, missing: ['order', 'stock'] },
        remedy: expect.stringContaining('colorway env create feat-java'),
      }),
    ]);
    expect((await shell.run('env', 'list')).out).toMatch(
      /feat-java\s+- \(no record\)\s+-\s+-\s+never\s+order \(0\), stock \(0\)/,
    );
    await shell.run('env', 'create', 'feat-java');
    expect((await shell.run('env', 'status', 'feat-java', '--json')).documents[0]).toMatchObject({
      ...{ recorded: true, missing: ['order', 'stock'] },
    });
    expect((await shell.run('env', 'delete', 'feat-java', '--yes')).status).toBe(EXIT.done);
  });

  it('ends memberships that stand for themselves', async () => {
    const shell = new Shell();
    const directory = fileDirectory({ folder: join(shell.folder, 'directory') });
    await directory.state.create('CE_order/feat-java', '{}');
    expect(await shell.run('env', 'delete', 'feat-java', '--yes')).toMatchObject({
      status: EXIT.done,
      out: expect.stringContaining('its memberships are removed'),
    });
    expect(await directory.state.list('CE_')).toEqual([]);
    await directory.close();
    expect((await shell.run('env', 'status', 'feat-java')).status).toBe(EXIT.unknownEnvironment);
  });

  it('declares and withdraws', async () => {
    const shell = new Shell();
    await shell.run('env', 'create', 'feat-cart');
    await shell.run('env', 'declare', 'feat-cart', 'order');
    expect((await shell.run('env', 'status', 'feat-cart')).out).toMatch(
      /order\s+declared\s+0 instances\s+MISSING/,
    );
    expect((await shell.run('env', 'withdraw', 'feat-cart', 'order', '--yes')).out).toContain(
      'no longer contains order',
    );
    expect((await shell.run('env', 'status', 'feat-cart')).status).toBe(EXIT.done);
  });
});
