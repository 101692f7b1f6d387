import { Attempt, type Outcome } from '../../../src/client/attempt.js';
import { Table } from '../../support/balancing-table.js';

const HEALTHY = ['a', 'b', 'c', 'd'];
const SECONDS = 60;
/** Answers of a healthy instance take so long, each another time. */
const ANSWER_MS = [18, 20, 22, 24];

interface Trouble {
  /** One more instance answers for so long, and then never again. */
  readonly hangsAfterMs?: number;
  /** How long callers wait for an answer. */
  readonly deadlineMs?: number;
  readonly redIsBroken?: boolean;
}

/** A minute of traffic by a clock of its own: what uncolored calls saw. */
function minuteOf(
  seed: number,
  everyMs: number,
  { hangsAfterMs, deadlineMs = 1_000, redIsBroken = false }: Trouble,
) {
  const table = new Table({}, seed);
  const ids = hangsAfterMs === undefined ? HEALTHY : [...HEALTHY, 'hung'];
  table.put(...ids.map((id, index) => ({ id, port: 1 + index })));
  const ends: { at: number; end(): void }[] = [];
  const drawn = new Map<string, number>();
  let caught = 0;
  let sent = 0;
  const send = (color: string | undefined) => {
    const set = table.set(color);
    const standing = set.pick(table.now);
    const { id } = standing.instance;
    const hangs = id === 'hung' && table.now >= (hangsAfterMs ?? 0);
    if (color === undefined) {
      drawn.set(id, (drawn.get(id) ?? 0) + 1);
      if (hangs) caught++;
    }
    const isBroken = color !== undefined && redIsBroken;
    const took = ANSWER_MS[sent++ % ANSWER_MS.length] as number;
    const [latency, outcome]: [number, Outcome] = hangs
      ? [deadlineMs, 'deadline']
      : [took, isBroken ? 'failure' : 'success'];
    const attempt = new Attempt(set, standing, table.now);
    ends.push({
      at: table.now + latency,
      end() {
        attempt.judge(outcome, table.now);
        attempt.end(table.now);
      },
    });
  };
  for (table.now = 0; table.now < SECONDS * 1_000; table.now++) {
    for (let at = ends.length - 1; at >= 0; at--)
      if ((ends[at] as { at: number }).at <= table.now) ends.splice(at, 1)[0]?.end();
    if (table.now % everyMs === 0) send(undefined);
    if (table.now % (5 * everyMs) === 0) send('red');
  }
  const counts = HEALTHY.map((id) => drawn.get(id) ?? 0);
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return {
    /** The share that the instance got while it hung. */
    caught: caught / ((SECONDS * 1_000) / everyMs),
    /** How far the instance with the most or the fewest calls is from an even share. */
    distance: Math.max(...counts.map((count) => Math.abs(count / mean - 1))),
  };
}

describe.each([
  ['a busy client', 2],
  ['one with a call in flight at most times', 25],
])('%s', (_name, everyMs) => {
  it.each([
    ['nothing', {}],
    ['a broken environment', { redIsBroken: true }],
    ['an instance that never answered', { hangsAfterMs: 0 }],
    ['an instance that hangs after a while', { hangsAfterMs: 10_000 }],
    [
      'an instance that hangs, called without a deadline',
      { hangsAfterMs: 5_000, deadlineMs: Number.POSITIVE_INFINITY },
    ],
    ['a broken environment and an instance that hangs', { hangsAfterMs: 10_000, redIsBroken: true }],
  ] satisfies [string, Trouble][])('spreads its uncolored calls evenly beside %s', (_what, trouble) => {
    for (const seed of [1, 2, 3]) {
      const { distance, caught } = minuteOf(seed, everyMs, trouble);
      expect(distance).toBeLessThan(0.1);
      /* Below one in a hundred, the p99 is that of the healthy ones. */
      expect(caught).toBeLessThan(0.005);
    }
  });
});
