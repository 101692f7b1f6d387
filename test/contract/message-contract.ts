import { withColor as inColor } from '@colorway/core';
import { MessageLedger } from './message-ledger.js';
import type { Destination, MessagesUnderTest } from './messages-under-test.js';
import { pause, until } from './support.js';

const TEST_MS = 120_000;

/** What every broker must do with messages that carry colors, whatever its means. */
export function describeMessages(name: string, make: () => Promise<MessagesUnderTest>): void {
  describe(`colored messages over ${name}`, () => {
    let subject: MessagesUnderTest;
    let ledger: MessageLedger;

    beforeEach(async () => {
      subject = await make();
      ledger = new MessageLedger(subject);
    }, TEST_MS);
    afterEach(() => subject.dispose(), TEST_MS);

    const contract = (title: string, run: () => Promise<void>): void => test(title, run, TEST_MS);

    contract('each color to its own consumer, once; all else to the baseline', async () => {
      await ledger.start();
      await ledger.start({ color: 'red' });
      await ledger.start({ color: 'blue' });
      await ledger.joined('red');
      await ledger.joined('blue');
      const none = await ledger.send(5);
      const red = await ledger.send(5, 'red', { key: 'same' });
      const blue = await ledger.send(5, 'blue', { key: 'same' });
      const green = await ledger.send(5, 'green');
      await ledger.handled([...none, ...red, ...blue, ...green]);
      expect(ledger.handlers([...none, ...green])).toEqual(['baseline']);
      expect(ledger.handlers(red)).toEqual(['red']);
      expect(ledger.handlers(blue)).toEqual(['blue']);
      await nothingMore();
      expect(ledger.faults()).toEqual([]);
    });

    contract(
      'a color joins in the middle of a backlog: nothing is lost, nothing is handled twice',
      async () => {
        const backlog = [...(await ledger.send(15, 'red')), ...(await ledger.send(15))];
        await ledger.start({}, () => pause(20));
        await until('the baseline is at work', () => ledger.entries.length > 2, TEST_MS / 3);
        await ledger.start({ color: 'red' });
        const meanwhile = [...(await ledger.send(5, 'red')), ...(await ledger.send(5))];
        await ledger.joined('red');
        const after = await ledger.send(5, 'red');
        await ledger.handled([...backlog, ...meanwhile, ...after]);
        expect(ledger.handlers(after)).toEqual(['red']);
        await nothingMore();
        expect(ledger.faults()).toEqual([]);
      },
    );

    contract(
      'a color leaves while it works: what it has is handled once, what comes later is the baseline’s',
      async () => {
        await ledger.start();
        await ledger.start({ color: 'red' }, () => pause(20));
        await ledger.joined('red');
        const before = await ledger.send(20, 'red');
        expect(await subject.leave('red', 'drain')).toEqual({ discarded: 0 });
        const after = await ledger.send(5, 'red');
        await ledger.handled([...before, ...after]);
        expect(ledger.handlers(after)).toEqual(['baseline']);
        await nothingMore();
        expect(ledger.faults()).toEqual([]);
      },
    );

    contract(
      'a color whose consumer is gone keeps its messages; when it leaves, the baseline handles them',
      async () => {
        await ledger.start();
        const red = await ledger.start({ color: 'red' });
        await ledger.joined('red');
        await red.stop();
        const waiting = await ledger.send(8, 'red');
        await ledger.handled(await ledger.send(8));
        expect(ledger.handlers(waiting)).toEqual([undefined]);
        expect(await subject.leave('red', 'drain')).toEqual({ discarded: 0 });
        await ledger.handled(waiting);
        expect(ledger.handlers(waiting)).toEqual(['baseline']);
        await nothingMore();
        expect(ledger.faults()).toEqual([]);
      },
    );

    contract('or they are discarded, and counted', async () => {
      await ledger.start();
      const red = await ledger.start({ color: 'red' });
      await ledger.joined('red');
      await red.stop();
      const discarded = await ledger.send(8, 'red');
      await ledger.handled(await ledger.send(8));
      const left = await subject.leave('red', 'discard');
      if (subject.countsForeign) expect(left.discarded).toBeGreaterThanOrEqual(8);
      else expect(left).toEqual({ discarded: 8 });
      const after = await ledger.send(5, 'red');
      await ledger.handled(after);
      expect(ledger.handlers(after)).toEqual(['baseline']);
      await nothingMore();
      expect(ledger.faults({ discarded })).toEqual([]);
    });

    contract(
      'a consumer that crashes finds its messages when it is back, and the baseline never takes them',
      async () => {
        await ledger.start();
        let hold = true;
        let held: string | undefined;
        const red = await ledger.start({ color: 'red' }, (id) => {
          if (!hold) return Promise.resolve();
          held = id;
          return new Promise(() => {});
        });
        hold = false;
        await ledger.joined('red');
        hold = true;
        const waiting = await ledger.send(6, 'red');
        await until('one is in hand', () => held !== undefined, TEST_MS / 3);
        await red.crash();
        await ledger.handled(await ledger.send(6));
        expect(ledger.handlers(waiting)).toEqual([undefined]);
        await ledger.start({ color: 'red' });
        await ledger.handled(waiting);
        expect(ledger.handlers(waiting)).toEqual(['red']);
        await nothingMore();
        expect(ledger.faults()).toEqual([]);
      },
    );

    contract('a handler works in its message’s color, and what it sends goes on in it', async () => {
      const forwards = new Map<string, string>();
      const forward = async (id: string, send: MessagesUnderTest['send']): Promise<void> => {
        const next = forwards.get(id);
        if (next !== undefined) await send([next], { to: 'retries' });
      };
      for (const from of ['orders', 'retries'] satisfies Destination[]) {
        for (const color of [undefined, 'red']) {
          await ledger.start({ from, ...(color !== undefined && { color }) }, forward);
        }
      }
      await ledger.joined('red');
      await ledger.joined('red', { to: 'retries' });
      const forwarded: string[] = [];
      for (const color of [undefined, 'red', 'blue']) {
        const ids = ledger.ids(3, color);
        const nexts = ledger.ids(3, color);
        for (const [index, id] of ids.entries()) forwards.set(id, nexts[index] as string);
        forwarded.push(...nexts);
        await sendIn(color, ids);
      }
      await ledger.handled(forwarded);
      expect(ledger.handlers(forwarded.slice(0, 3))).toEqual(['baseline']);
      expect(ledger.handlers(forwarded.slice(3, 6))).toEqual(['red']);
      expect(ledger.handlers(forwarded.slice(6))).toEqual(['baseline']);
      await nothingMore();
      expect(ledger.faults()).toEqual([]);
    });

    contract(
      'what each consumer accepts changes no owner: side by side nothing is lost or doubled',
      async () => {
        await ledger.start({ accept: 'none' });
        await ledger.start();
        await ledger.start({ color: 'red', accept: 'none' });
        await ledger.joined('red');
        const none = await ledger.send(8);
        const red = await ledger.send(8, 'red');
        const blue = await ledger.send(8, 'blue');
        await ledger.handled([...none, ...red, ...blue]);
        expect(ledger.handlers(red)).toEqual(['red']);
        expect(ledger.handlers([...none, ...blue])).toEqual(['baseline']);
        expect(await subject.leave('red', 'drain')).toEqual({ discarded: 0 });
        const after = await ledger.send(8, 'red');
        await ledger.handled(after);
        expect(ledger.handlers(after)).toEqual(['baseline']);
        await nothingMore();
        expect(ledger.faults({ refusing: true })).toEqual([]);
      },
    );

    contract('a consumer that accepts nothing works in no color, and what it sends has none', async () => {
      const forwards = new Map<string, string>();
      await ledger.start({ accept: 'none' }, async (id, send) => {
        const next = forwards.get(id);
        if (next !== undefined) await send([next], { to: 'retries' });
      });
      await ledger.start({ from: 'retries' });
      await ledger.start({ from: 'retries', color: 'red' });
      await ledger.joined('red', { to: 'retries' });
      const ids = ledger.ids(3, 'red');
      const nexts = ledger.ids(3, undefined);
      for (const [index, id] of ids.entries()) forwards.set(id, nexts[index] as string);
      await sendIn('red', ids);
      await ledger.handled(nexts);
      expect(
        ledger.entries.filter(({ id }) => ids.includes(id)).map(({ by, color }) => ({ by, color })),
      ).toEqual(ids.map(() => ({ by: 'baseline', color: undefined })));
      expect(ledger.handlers(nexts)).toEqual(['baseline']);
      await nothingMore();
      expect(ledger.faults({ refusing: true })).toEqual([]);
    });

    contract('what a handler fails at comes again, to the same side', async () => {
      const tries = new Map<string, number>();
      const failing = async (id: string): Promise<void> => {
        const count = (tries.get(id) ?? 0) + 1;
        tries.set(id, count);
        if (count === 1 && id.endsWith('1')) throw new Error('not now');
      };
      await ledger.start({}, failing);
      await ledger.start({ color: 'red' }, failing);
      await ledger.joined('red');
      const ids = [...(await ledger.send(12, 'red')), ...(await ledger.send(12))];
      await ledger.handled(ids);
      expect(ids.filter((id) => (tries.get(id) ?? 0) > 1)).not.toEqual([]);
      await nothingMore();
      expect(ledger.faults({ redelivered: ids })).toEqual([]);
      expect(ledger.handlers(ids.slice(0, 12))).toEqual(['red']);
    });

    contract('a color that left comes again', async () => {
      await ledger.start();
      for (let epoch = 1; epoch <= 2; epoch++) {
        const red = await ledger.start({ color: 'red' });
        await ledger.joined('red');
        const own = await ledger.send(5, 'red');
        await ledger.handled(own);
        expect(ledger.handlers(own)).toEqual(['red']);
        await subject.leave('red', 'drain');
        const after = await ledger.send(5, 'red');
        await ledger.handled(after);
        expect(ledger.handlers(after)).toEqual(['baseline']);
        await red.stop();
      }
      await nothingMore();
      expect(ledger.faults()).toEqual([]);
    });

    contract('the status of each side says who it is, that it runs, and what it decided', async () => {
      const baseline = await ledger.start();
      const red = await ledger.start({ color: 'red' });
      await ledger.joined('red');
      await ledger.handled([...(await ledger.send(2, 'red')), ...(await ledger.send(2, 'green'))]);
      const [reader, ...others] = red.status().consumers;
      expect(others).toEqual([]);
      expect(reader).toMatchObject({ color: 'red', phase: 'running', reasons: { red: expect.any(String) } });
      expect(reader?.brokerGroup).toBe(reader?.group.replace('GID_', 'GID_red_'));
      expect(reader?.handled).toBeGreaterThanOrEqual(3);
      expect(baseline.status().consumers).toMatchObject([
        { color: undefined, phase: 'running', reasons: { green: expect.any(String) } },
      ]);
      const known = () => baseline.status().handovers.some(({ state }) => /^(active|joined)$/.test(state));
      await until('the baseline knows it too', known, TEST_MS / 3);
      expect(baseline.status().handovers).toMatchObject([
        { color: 'red', state: expect.stringMatching(/^(active|joined)$/) },
      ]);
    });

    contract('one call that sends to several destinations colors all of it', async () => {
      for (const from of ['orders', 'retries'] satisfies Destination[]) {
        await ledger.start({ from });
        await ledger.start({ from, color: 'red' });
        await ledger.joined('red', { to: from });
      }
      const red = { orders: ledger.ids(3, 'red'), retries: ledger.ids(3, 'red') };
      const none = { orders: ledger.ids(3, undefined), retries: ledger.ids(3, undefined) };
      await inColor('red', () => subject.sendToBoth(red));
      await subject.sendToBoth(none);
      await ledger.handled([...red.orders, ...red.retries, ...none.orders, ...none.retries]);
      expect(ledger.handlers([...red.orders, ...red.retries])).toEqual(['red']);
      expect(ledger.handlers([...none.orders, ...none.retries])).toEqual(['baseline']);
      await nothingMore();
      expect(ledger.faults()).toEqual([]);
    });

    /** One more of each is handled: whatever was to come twice, or too late, has had its time. */
    async function nothingMore(): Promise<void> {
      await ledger.handled([...(await ledger.send(1)), ...(await ledger.send(1, 'green'))]);
      await pause(300);
    }

    function sendIn(color: string | undefined, ids: readonly string[]): Promise<void> {
      return inColor(color, () => subject.send(ids));
    }
  });
}
