import { randomUUID } from 'node:crypto';
import type { ReplayStore } from '@colorway/core';
import { serviceAuth } from '@colorway/http/auth';

const SECRET = 'a secret of at least thirty-two bytes';

export interface ReplayStoresUnderTest {
  /** Another client of the same store, as another process would have it; the same one, where it is of one process. */
  connect(): ReplayStore;
}

/** What every store keeps, whoever shares it. */
export function describeReplayStore(name: string, make: () => ReplayStoresUnderTest): void {
  describe(`${name}, as every replay store,`, () => {
    const soon = () => Date.now() + 30_000;

    it('tells each signature once that it is new, to whoever asks', async () => {
      const stores = make();
      const [one, two] = [stores.connect(), stores.connect()];
      const [a, b] = [randomUUID(), randomUUID()];
      expect(await one.isNew(a, soon(), 1_000)).toBe(true);
      expect(await two.isNew(a, soon(), 1_000)).toBe(false);
      expect(await one.isNew(a, soon(), 1_000)).toBe(false);
      expect(await two.isNew(b, soon(), 1_000)).toBe(true);
      expect(await one.isNew(b, soon(), 1_000)).toBe(false);
    });

    it('of a hundred that ask at the same time, one is told so', async () => {
      const stores = make();
      const clients = [stores.connect(), stores.connect()] as const;
      const signature = randomUUID();
      const told = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          clients[index % 2 === 0 ? 0 : 1].isNew(signature, soon(), 1_000),
        ),
      );
      expect(told.filter((isNew) => isNew)).toHaveLength(1);
    });

    it('tells signatures apart that differ in one letter, in case, or at the end of 400', async () => {
      const store = make().connect();
      const long = randomUUID().padEnd(399, 'x');
      for (const signature of [long, `${long}a`, `${long}A`, `${long}b`, `${long}\u{1F600}`, ''])
        expect(await store.isNew(signature, soon(), 1_000)).toBe(true);
      for (const signature of [long, `${long}A`, '']) {
        expect(await store.isNew(signature, soon(), 1_000)).toBe(false);
      }
    });

    it('lets a signed request in once, wherever it is sent again', async () => {
      const stores = make();
      const [one, two] = [stores.connect(), stores.connect()].map((replay) =>
        serviceAuth({ secret: SECRET, replay }),
      );
      const message = { method: 'GET', authority: 'stock', target: '/', header: () => undefined };
      const carriers = { headers: [], wantedHeader: 'x-wanted' } as never;
      const signature = one?.sign({ service: 'order', color: undefined, carriers }, message) ?? [];
      const request = {
        method: 'GET',
        url: '/',
        headers: { host: 'stock', ...Object.fromEntries(signature) },
      };
      const settled = async (auth: typeof one) => {
        const verification = auth?.verify(request, []);
        return verification?.kind === 'asking' ? verification.settled : verification;
      };
      expect(await settled(two)).toMatchObject({ kind: 'verified' });
      expect(await settled(one)).toEqual({ kind: 'refused', reason: 'replay' });
      expect(await settled(two)).toEqual({ kind: 'refused', reason: 'replay' });
    });
  });
}
