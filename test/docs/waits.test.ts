import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from '@colorway/core';

const text = readFileSync(join(__dirname, '../../docs/lifecycle.md'), 'utf8');
const table = text.split('| it waits for | why | what to do |')[1]?.split('\n\n')[0] ?? '';
/** The first column, as a terminal shows it. */
const rows = Array.from(table.matchAll(/^\| (?!-)([^|]+) \|/gm), ([, cell = '']) => cell.replaceAll('`', ''));

const whose = {
  broker: 'kafka',
  service: 'order',
  color: 'red' as never,
  group: 'GID_order',
  cluster: '...',
};
const [group, brokerGroup] = ['GID_order', 'GID_red_order'];

/** Every sentence that the sources have. */
const SENTENCES: Readonly<Record<string, core.LeaveWait>> = {
  waitsAfterFailure: core.waitsAfterFailure(whose, '...'),
  waitsElsewhere: core.waitsElsewhere(whose),
  waitsForBegun: core.waitsForBegun(group),
  waitsForCloser: core.waitsForCloser(brokerGroup),
  waitsForConsumer: core.waitsForConsumer(whose),
  waitsForDirectory: core.waitsForDirectory('...'),
  waitsForDrain: core.waitsForDrain(brokerGroup),
  waitsForFences: core.waitsForFences(group, brokerGroup),
  waitsForHandler: core.waitsForHandler(whose, '...'),
  waitsForHanging: core.waitsForHanging(whose, brokerGroup, '...'),
  waitsForMembers: core.waitsForMembers(brokerGroup),
  waitsForReadableKey: core.waitsForReadableKey('...'),
  waitsForTopics: core.waitsForTopics(brokerGroup),
};

it('the table of waits in docs/lifecycle.md has every sentence, and no other', () => {
  const sentences = Object.values(SENTENCES).map(({ waitingFor }) => waitingFor?.replaceAll('"', ''));
  expect([...rows].sort()).toEqual([...sentences].sort());
});

it('every sentence of @colorway/core is among them', () => {
  const names = Object.keys(core).filter((name) => name.startsWith('waits'));
  expect(names.sort()).toEqual(Object.keys(SENTENCES).sort());
});
