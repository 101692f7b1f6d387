import { Reporter } from '../../src/background/index.js';

it('of one code a hundred lines are said in a day, whoever makes up subjects; the others go on', () => {
  const lines: string[] = [];
  const logger = { debug() {}, info() {}, warn: (line: string) => void lines.push(line), error() {} };
  let now = 5;
  const reporter = new Reporter(logger, () => now);
  for (let subject = 0; subject < 10_000; subject++)
    reporter.once('COLORWAY_A', `about ${subject}.`, `${subject}`);
  expect(lines).toHaveLength(100);
  expect(lines[98]).toBe('COLORWAY_A: about 98.');
  expect(lines[99]).toMatch(/^COLORWAY_A: about 99\. .*without a report for a day/);
  reporter.once('COLORWAY_B', 'something else');
  expect(lines).toHaveLength(101);
  now += 86_400_000;
  reporter.once('COLORWAY_A', 'about 5000.', '5000');
  reporter.once('COLORWAY_A', 'about 7.', '7');
  expect(lines.slice(101)).toEqual(['COLORWAY_A: about 5000.']);
});
