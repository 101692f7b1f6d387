import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';

interface Told {
  readonly handled: { readonly hostile: number; readonly friendly: number };
  readonly sent: number;
  readonly friendly: number;
  readonly askedIn: readonly Readonly<Record<string, number>>[];
  readonly heaps: readonly [number, number];
  readonly reasons: readonly number[];
}

/** Of the process's upkeep, which goes on by time and not by message: a few looks, on a machine that is slow. */
const MAX_ASKED = 60;
/** What 5,000 messages of up to 15 KB, or their colors with what belongs to each, would take is more. */
const MAX_GROWTH = 1_000_000;
/** So many colors are remembered of one consumer, whoever makes them up. */
const MAX_REASONS = 200;

/** Heaps are measured where nothing else allocates: in a process of its own. */
async function run(...args: string[]): Promise<Told> {
  const loader = pathToFileURL(join(__dirname, '../../../registry/test/support/typescript.mjs')).href;
  const child = ['--expose-gc', '--import', loader, join(__dirname, 'hostile.child.ts'), ...args];
  const { stdout } = await promisify(execFile)(process.execPath, child, { timeout: 500_000 });
  return JSON.parse(stdout) as Told;
}

const SERVERS = ['rabbitmq', 'kafka'] as const;

describeWithServers([...SERVERS], '10,000 messages of somebody who means harm', (servers) => {
  const urls = {
    rabbitmq: () => servers.rabbitmq.url,
    kafka: () => servers.kafka.brokers.join(),
  };
  test.each([
    ['rabbitmq', 'all'],
    ['kafka', 'none'],
  ] as const)(
    '%s, accept %s: each is handled once, others meanwhile, and neither broker nor directory is asked for them',
    async (broker, accept) => {
      const { handled, sent, friendly, askedIn, heaps, reasons } = await run(broker, urls[broker](), accept);
      expect(handled).toEqual({ hostile: sent, friendly });
      expect(sent).toBe(10_000);
      const totals = askedIn.map((asked) => Object.values(asked).reduce((sum, one) => sum + one, 0));
      const told = JSON.stringify({ askedIn, heaps });
      for (const total of totals) if (total > MAX_ASKED) throw new Error(`asked ${total} times: ${told}`);
      if (heaps[1] - heaps[0] > MAX_GROWTH) throw new Error(`the heap grows: ${told}`);
      expect(Math.max(...reasons)).toBeLessThanOrEqual(MAX_REASONS);
    },
    540_000,
  );
});
