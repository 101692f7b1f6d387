import { join } from 'node:path';
import type { InstanceRecord } from '@colorway/core';
import { fileDirectory } from '@colorway/registry/file';
import fc from 'fast-check';
import { describeChange, readValue } from '../src/commands/describe-change.js';
import { Shell } from './shell.js';

const ESCAPE = '\u001b[2J\u009b1m\u202e';
/** Controls without the line break, C1, bidi. */
const DANGEROUS = /[^\P{Cc}\n]|[\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** A directory into which somebody wrote what no Colorway writes. */
async function hostile(shell: Shell): Promise<void> {
  const directory = fileDirectory({ folder: join(shell.folder, 'directory') });
  const now = Date.now();
  const owner = `ann${ESCAPE}\nEnvironment forged of root`;
  await directory.state.create(
    'env/red',
    JSON.stringify({ color: 'red', owner, createdAt: now, expiresAt: now + 3_600_000 }),
  );
  await directory.state.create('CE_order/red', JSON.stringify({ declaredAt: now, declaredBy: ESCAPE }));
  await directory.instances.register(
    {
      ...{ id: `a${ESCAPE}\nb`, service: 'order', host: `h${ESCAPE}`, port: 80, startedAt: now },
      metadata: { COLORING_ENV: 'red' },
    },
    60_000,
  );
  await directory.close();
}

it.each([
  [['env', 'list']],
  [['env', 'status', 'red']],
  [['explain', 'order', '--color', 'red']],
  [['explain', `order${ESCAPE}`]],
  [['env', 'status', `no${ESCAPE}`]],
])('shows nothing of a hostile directory that a terminal obeys: %j', async (args) => {
  const shell = new Shell();
  await hostile(shell);
  const { out, err } = await shell.run(...args);
  expect(out + err).not.toMatch(DANGEROUS);
  expect(out.split('\n').filter((line) => line.startsWith('Environment forged'))).toEqual([]);
});

it('answers in JSON what stands there, to the letter', async () => {
  const shell = new Shell();
  await hostile(shell);
  const { documents } = await shell.run('env', 'list', '--json');
  expect(documents).toMatchObject([[{ owner: `ann${ESCAPE}\nEnvironment forged of root` }]]);
});

it('says a sentence of every change, whatever somebody wrote', () => {
  const key = fc.oneof(
    fc.string().map((text) => `env/${text}`),
    fc.string().map((text) => `sub/${text}`),
    fc.constantFrom('env/red', 'sub/order/red/x', 'CE_order/red', 'CE_'),
  );
  const fields = fc.record(
    Object.fromEntries(
      ['color', 'owner', 'expiresAt', 'ending', 'group', 'topic', 'state', 'remaining'].map((name) => [
        name,
        fc.jsonValue(),
      ]),
    ),
    { requiredKeys: [] },
  );
  const value = fc.oneof(
    fields.map((one) => JSON.stringify(one)),
    fc.json(),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.constantFrom('put' as const, 'removed' as const), key, value, (kind, name, text) => {
      const read = readValue(text);
      expect(typeof describeChange(kind, name, read)).toBe('string');
      JSON.stringify(read);
    }),
    { numRuns: 500 },
  );
});

it('says a sentence of a value that is nested without end', () => {
  const read = readValue(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
  expect(typeof read).toBe('string');
  expect(describeChange('put', 'env/red', read)).toBe('env/red cannot be read as an environment');
});

it('goes on watching after an environment that cannot be read', async () => {
  const shell = new Shell();
  const stop = new AbortController();
  const watching = shell.until(stop.signal, 'watch');
  const directory = fileDirectory({ folder: join(shell.folder, 'directory') });
  const sees = async (text: string, attempt: () => Promise<unknown>): Promise<void> => {
    const end = Date.now() + 30_000;
    // What stood before the watch began is no change: so each is written again until it is seen.
    while (!shell.heard.includes(text)) {
      if (Date.now() > end) throw new Error(`${text} was not seen in: ${shell.heard}`);
      await attempt();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const rewrite = async (key: string, value: string): Promise<void> => {
    const { entry, created } = await directory.state.create(key, value);
    if (!created) await directory.state.compareAndDelete(key, entry.version);
  };
  await sees('env/bad cannot be read', () => rewrite('env/bad', '{"color":"bad","expiresAt":1e99}'));
  await sees('env/worse cannot be read', () => rewrite('env/worse', 'null'));
  await sees('contains order', () => rewrite('CE_order/red', '{}'));
  const instance = (id: string, part: object): Promise<unknown> =>
    directory.instances.register(
      { id, service: 'order', host: 'h', port: 80, startedAt: 0, metadata: {}, ...part } as InstanceRecord,
      60_000,
    );
  const warnings: string[] = [];
  const hear = ({ message }: Error): unknown => warnings.push(message);
  process.on('warning', hear);
  let at = 0;
  // A text of it cannot be made, and metadata that is none.
  const noText = JSON.parse('{"toString": 1}') as string;
  await sees('order red h:80 is up', async () => {
    await instance(`a${++at}`, { host: noText });
    await instance(`b${at}`, { metadata: { COLORING_ENV: noText } });
    await instance(`c${at}`, { metadata: [1] });
    await instance(`d${at}`, { metadata: { COLORING_ENV: 'red' } });
  });
  expect(shell.heard).not.toContain('object Object');
  process.off('warning', hear);
  // An observer that throws loses the changes that came with that one.
  expect(warnings.filter((message) => message.includes('observer'))).toEqual([]);
  stop.abort();
  await directory.close();
  expect((await watching).status).toBe(0);
});
