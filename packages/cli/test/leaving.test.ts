import { join } from 'node:path';
import {
  formatSubscription,
  parseSubscription,
  type StateStore,
  type Subscription,
  subscriptionKey,
  waitsForHandler,
  withProgress,
} from '@colorway/core';
import { fileDirectory } from '@colorway/registry/file';
import { EXIT } from '../src/index.js';
import { Shell } from './shell.js';

const ORDERS = { service: 'order', color: 'red', broker: 'kafka', group: 'GID_order', topic: 'orders' };
const NOBODY =
  'waits for a consumer of GID_order. Start a consumer of GID_order (service order), or end with --on-leave discard: colorway env withdraw red order --on-leave discard';

describe('what still leaves', () => {
  const closes: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closes.splice(0)) await close();
  });

  /** An environment whose service consumed a topic, and whose consumers are all gone. */
  async function setUp() {
    const shell = new Shell();
    const directory = fileDirectory({ folder: join(shell.folder, 'directory') });
    closes.push(() => directory.close());
    const state = directory.state as StateStore;
    await shell.run('env', 'create', 'red', '--services', 'order', '--owner', 'ann');
    const key = subscriptionKey(ORDERS);
    await state.create(key, formatSubscription({ ...ORDERS, state: 'joined', at: 1 }));
    const change = async (to: (standing: Subscription) => Subscription): Promise<void> => {
      const entry = await state.get(key);
      const standing = entry && parseSubscription(entry);
      if (entry === undefined || standing === undefined) throw new Error('nothing is subscribed');
      expect(await state.compareAndSet(key, formatSubscription(to(standing)), entry.version)).toBeDefined();
    };
    const standing = async (): Promise<Subscription | undefined> => {
      const entry = await state.get(key);
      return entry && parseSubscription(entry);
    };
    const until = async (check: (standing: Subscription | undefined) => boolean): Promise<void> => {
      for (let tries = 0; !check(await standing()); tries++) {
        if (tries > 1_000) throw new Error('It was waited in vain.');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    return { shell, change, until };
  }

  it('is shown by env status after the end, with what it waits for and what to do', async () => {
    const { shell, change } = await setUp();
    const ended = await shell.run('env', 'delete', 'red', '--yes', '--no-wait');
    expect(ended).toMatchObject({
      status: EXIT.done,
      out: 'Environment red has ended. Its messages leave meanwhile; colorway env status red says how far they are.\n',
    });
    const status = await shell.run('env', 'status', 'red');
    expect(status.status).toBe(EXIT.unknownEnvironment);
    expect(status.out.replace(/ \(for \d+s\)/, '')).toBe(
      `Environment red has ended; its messages still leave:\n  order: GID_order of orders leaving, ${NOBODY}\n`,
    );
    const wait = waitsForHandler(ORDERS, 'no such item');
    await change((one) => withProgress(one, { remaining: 1, ...wait }, Date.now() - 5_000));
    expect((await shell.run('env', 'status', 'red')).out).toContain(
      '  order: GID_order of orders leaving, 1 message remains, waits for the handler of GID_order, which fails: no such item (for 5s). Mend the handler, or end with --on-leave discard: colorway env withdraw red order --on-leave discard',
    );
    const { documents } = await shell.run('env', 'status', 'red', '--json');
    expect(documents[0]).toMatchObject({
      ended: true,
      leaving: [
        { remaining: 1, waitingFor: wait.waitingFor, since: expect.any(Number), remedy: wait.remedy },
      ],
    });
  });

  it('is shown by env status while the environment stands', async () => {
    const { shell } = await setUp();
    await shell.run('env', 'withdraw', 'red', 'order', '--yes', '--no-wait');
    const { out } = await shell.run('env', 'status', 'red');
    expect(out).toMatch(/GID_order of orders +kafka +leaving/);
    expect(out.replace(/ \(for \d+s\)/, '')).toContain(`  order: GID_order of orders leaving, ${NOBODY}`);
  });

  it('is shown line by line by env delete while it waits: nobody, a drain under way, nobody any more', async () => {
    const { shell, change, until } = await setUp();
    const ending = shell.run('env', 'delete', 'red', '--yes');
    await until((one) => one?.state === 'leaving');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const members = { waitingFor: 'the consumers of GID_red_order' };
    await change((one) => withProgress(one, { remaining: 9, ...members }, Date.now()));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await change((one) => withProgress(one, { remaining: 4, ...members }, Date.now() - 61_000));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await change((one) => ({ ...one, state: 'left' }));
    const { status, err } = await ending;
    expect(status).toBe(EXIT.done);
    const lines = err.trim().split('\n');
    expect(lines.map((line) => line.replace(/ \(for [^)]*\)/, '').trim())).toEqual([
      `order: GID_order of orders leaving, ${NOBODY}`,
      'order: GID_order of orders leaving, 9 messages remain, waits for the consumers of GID_red_order',
      `order: GID_order of orders leaving, 4 messages remain, ${NOBODY}`,
      'order: GID_order of orders left',
    ]);
  });

  it.each([
    [
      'env delete',
      ['env', 'delete', 'red'],
      'Environment red had ended before. 3 messages were thrown away.',
    ],
    [
      'env withdraw',
      ['env', 'withdraw', 'red', 'order'],
      'Environment red did not contain order any more. 3 messages were thrown away.',
    ],
  ])('is ended by %s --on-leave discard, though the environment is gone', async (_, command, answer) => {
    const { shell, change, until } = await setUp();
    await shell.run('env', 'delete', 'red', '--yes', '--no-wait');
    const ending = shell.run(...command, '--yes', '--on-leave', 'discard');
    await until((one) => one?.onLeave === 'discard');
    await change((one) => ({ ...one, state: 'left', discarded: { 0: 3 } }));
    expect(await ending).toMatchObject({ status: EXIT.done, out: `${answer}\n` });
    expect((await shell.run('env', 'delete', 'red', '--yes')).status).toBe(EXIT.unknownEnvironment);
  });
});
