import { Buffer } from 'node:buffer';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { LogReader } from '../src/file/log-reader.js';
import { ObservedClock } from '../src/file/observed-clock.js';
import { StateFold } from '../src/file/state-fold.js';
import { type Attempt, formatLogRecord, parseLogRecord } from '../src/file/state-record.js';
import { temporaryFolder } from './support/clean-up.js';

const id = fc.integer({ min: 0, max: 20 }).map(String);
const key = fc.constantFrom('a', 'b', 'c');
const attempt: fc.Arbitrary<Attempt> = fc.oneof(
  fc.record({ op: fc.constant('create' as const), id, key, value: fc.string() }),
  fc.record({ op: fc.constant('set' as const), id, key, value: fc.string(), expected: id }),
  fc.record({ op: fc.constant('delete' as const), id, key, expected: id }),
);

function fold(attempts: readonly Attempt[], into = new StateFold()): StateFold {
  for (const each of attempts) into.apply(each);
  return into;
}

it('a log that is compacted at any place tells the same as the whole', () => {
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 60 }), fc.nat(60), (attempts, place) => {
      const compacted = new StateFold();
      for (const entry of fold(attempts.slice(0, place)).below(''))
        compacted.apply({ op: 'entry', ...entry });
      expect(fold(attempts.slice(place), compacted).below('')).toEqual(fold(attempts).below(''));
    }),
  );
});

it('an attempt wins exactly when it is allowed, and a version is won once', () => {
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 60 }), (attempts) => {
      const state = new StateFold();
      for (const each of attempts) {
        const allowed = state.allows(each);
        const before = state.get(each.key);
        const { won, entry } = state.apply(each);
        expect(won).toBe(allowed);
        expect(state.get(each.key)).toBe(entry);
        if (!won) expect(entry).toBe(before);
        else expect(entry?.version).toBe(each.op === 'delete' ? undefined : each.id);
      }
    }),
  );
});

it('every record comes back as it was, and no other text is one', () => {
  fc.assert(
    fc.property(attempt, (record) => {
      const text = formatLogRecord(record);
      expect(text.startsWith('\n') && text.endsWith('\n') && !text.trim().includes('\n')).toBe(true);
      expect(parseLogRecord(text.trim())).toEqual(record);
    }),
  );
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => parseLogRecord(text) === undefined));
});

it('lines are read whole wherever the file ends for the moment', async () => {
  const path = join(await temporaryFolder(), 'log');
  await fc.assert(
    fc.asyncProperty(
      fc.array(attempt, { maxLength: 8 }),
      fc.array(fc.nat(40), { maxLength: 12 }),
      async (attempts, cuts) => {
        const bytes = Buffer.from(attempts.map(formatLogRecord).join(''));
        await writeFile(path, '');
        const file = await open(path, 'r+');
        try {
          const reader = new LogReader(file);
          const lines: string[] = [];
          let written = 0;
          for (const length of [...cuts, bytes.length]) {
            await file.write(bytes.subarray(written, written + length), 0, undefined, written);
            written = Math.min(bytes.length, written + length);
            await reader.readTo((line) => lines.push(line));
          }
          expect(lines.map(parseLogRecord)).toEqual(attempts);
        } finally {
          await file.close();
        }
      },
    ),
    { numRuns: 40 },
  );
});

it('the observed clock counts no pause, and never runs back', () => {
  let now = 1_000;
  const clock = new ObservedClock(() => now);
  now += 100;
  expect(clock.advance(500)).toBe(100);
  now += 3_600_000;
  expect(clock.advance(500)).toBe(600);
  expect(clock.advance(500)).toBe(600);
});
