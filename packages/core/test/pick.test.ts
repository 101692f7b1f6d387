import fc from 'fast-check';
import { createRandom, pick } from '../src/index.js';

interface Candidate {
  readonly name: number;
  readonly weight: number;
}
type Some = readonly [Candidate, ...Candidate[]];

const free = () => 0;
const heaviest = (all: Some) => Math.max(...all.map(({ weight }) => weight));
const of = (...weights: number[]): Some =>
  weights.map((weight, name) => ({ name, weight })) as unknown as Some;

function shares(candidates: Some, cost: (one: Candidate) => number, turns = 60_000, seed = 7): number[] {
  const random = createRandom(seed);
  const differ = candidates.some(({ weight }) => weight !== candidates[0].weight);
  const counts = candidates.map(() => 0);
  for (let turn = 0; turn < turns; turn++) {
    const { name } = pick(candidates, cost, random, differ ? heaviest(candidates) : undefined);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts.map((count) => count / turns);
}

const candidates = fc
  .array(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 })
  .map((weights) => of(...weights));
/** Every value that `Math.random` can give, its bounds among them. */
const draw = fc.oneof(
  fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  fc.constantFrom(0, 1 - Number.EPSILON / 2),
);

it('takes one of the candidates, whatever is drawn and whatever they cost', () => {
  const cost = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1));
  fc.assert(
    fc.property(candidates, fc.infiniteStream(draw), fc.infiniteStream(cost), (all, draws, costs) => {
      expect(all).toContain(
        pick(
          all,
          () => costs.next().value as number,
          () => draws.next().value as number,
          all.length % 2 === 0 ? heaviest(all) : undefined,
        ),
      );
    }),
  );
});

it('is pure: the same draws give the same, and the candidates stay as they are', () => {
  fc.assert(
    fc.property(candidates, fc.array(draw, { minLength: 4, maxLength: 4 }), (all, draws) => {
      const frozen = Object.freeze(all.map((one) => Object.freeze({ ...one }))) as unknown as Some;
      const run = () => {
        let turn = 0;
        return pick(
          frozen,
          ({ name }) => name,
          () => draws[turn++ % 4] as number,
          heaviest(frozen),
        ).name;
      };
      expect(run()).toBe(run());
    }),
  );
});

it('of equal weights and cost, each gets its part', () => {
  for (const share of shares(of(1, 1, 1, 1, 1), free)) expect(share).toBeCloseTo(0.2, 1);
});

it('of two, in proportion to their weights', () => {
  const [light, heavy] = shares(of(1, 3), free);
  expect(light).toBeCloseTo(0.25, 1);
  expect(heavy).toBeCloseTo(0.75, 1);
});

it('of many, in proportion to their weights', () => {
  const got = shares(of(1, 1, 1, 10, 7), free);
  for (const [name, weight] of [1, 1, 1, 10, 7].entries()) expect(got[name]).toBeCloseTo(weight / 20, 1);
});

it('of very unequal ones, the light one is not starved, and the choice ends', () => {
  const [light] = shares(of(0.01, 1), free);
  expect(light).toBeGreaterThan(0.002);
  expect(pick(of(1e-9, 1e-9), free, () => 0.5, 1)).toBeDefined();
});

it('compares two different ones: the dearest of equal weight is never taken, however many there are', () => {
  for (const count of [2, 3, 10]) {
    const all = of(...Array(count).fill(1));
    const got = shares(all, ({ name }) => (name === 0 ? 9 : 1), 20_000);
    expect(got[0]).toBe(0);
    for (const share of got.slice(1)) expect(share).toBeGreaterThan(0.5 / count);
  }
});

it('holds the load level: power of two choices against one random choice (Mitzenmacher 2001)', () => {
  const fullest = (choose: (load: number[], random: () => number) => number) => {
    const random = createRandom(11);
    const load = Array<number>(1_000).fill(0);
    for (let ball = 0; ball < 1_000; ball++) {
      const bin = choose(load, random);
      load[bin] = (load[bin] ?? 0) + 1;
    }
    return Math.max(...load);
  };
  const all = of(...Array(1_000).fill(1));
  const two = fullest((load, random) => pick(all, ({ name }) => load[name] ?? 0, random).name);
  const one = fullest((load, random) => Math.floor(random() * load.length));
  expect(two).toBeLessThanOrEqual(4);
  expect(one).toBeGreaterThan(two);
});

it('createRandom gives numbers from 0 up to but not including 1, the same for a seed', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [a, b] = [createRandom(seed), createRandom(seed)];
      for (let turn = 0; turn < 50; turn++) {
        const value = a();
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThan(1);
        expect(b()).toBe(value);
      }
    }),
  );
});
