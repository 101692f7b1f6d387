import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';

interface Told {
  readonly sent: Readonly<Record<string, string>>;
  readonly handled: readonly {
    readonly by: string;
    readonly text: string;
    readonly color?: string;
    readonly tag?: string;
    readonly baggage?: string;
    readonly user?: string;
    readonly traceId: string;
  }[];
  readonly ended: readonly { readonly attributes: Record<string, unknown>; readonly status: number }[];
}

/** jest's module registry goes past the hooks of instrumentations, so each case is a process of its own. */
async function run(url: string, mode: string, kind: string): Promise<Told> {
  const loader = pathToFileURL(join(__dirname, '../../../registry/test/support/typescript.mjs')).href;
  const args = ['--import', loader, join(__dirname, 'otel.child.ts'), url, mode, kind];
  const env = {
    ...process.env,
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 100_000 });
  return JSON.parse(stdout) as Told;
}

describeWithServers(['rabbitmq'], 'amqp beside OpenTelemetry’s instrumentation', (servers) => {
  for (const mode of ['routing', 'filter']) {
    for (const kind of ['confirm', 'plain']) {
      test(`${mode}, ${kind} channel: color, baggage and trace of each message are its own`, async () => {
        const { sent, handled, ended } = await run(servers.rabbitmq.url, mode, kind);
        const byText = [...handled].sort((a, b) => (a.text < b.text ? -1 : 1));
        const own = (text: string, color: string | undefined, user?: string) => ({
          by: color === 'a' ? 'a' : 'base',
          text,
          ...(color !== undefined && { color, tag: color }),
          ...(user !== undefined && { user }),
          traceId: sent[text],
        });
        const expected = [
          own('assumed', 'a', '7'),
          ...['a', 'b', undefined].map((color) => own(`held ${color}`, color)),
          ...['a', 'b', undefined].map((color) => own(`own baggage ${color}`, color, '7')),
          ...['a', 'b', undefined].map((color) => own(`published ${color}`, color)),
        ];
        expect(byText.map(({ baggage: _, ...rest }) => rest)).toEqual(expected);
        for (const { color, baggage } of byText) {
          expect(/x-infr-flowtype=CE_(\w+)/.exec(baggage ?? '')?.[1]).toBe(color);
        }
        // Also the spans of messages that were acknowledged for being another's have ended, and none as an error. In filter mode
        // seven came to both, and one that was sent straight to the queue was passed on.
        const delivered = mode === 'routing' ? 10 : 10 + 7 + 1;
        expect(ended.map(({ status }) => status)).toEqual(Array(delivered).fill(0));
        const told = ended.map(({ attributes: has }) => `${has['coloring.color']} ${has['coloring.kind']}`);
        expect(told.filter((one) => one === 'a own')).toHaveLength(4);
        expect(told.filter((one) => one === 'a astray')).toHaveLength(mode === 'routing' ? 0 : 1);
        expect(told.filter((one) => one === 'undefined foreign')).toHaveLength(mode === 'routing' ? 0 : 2);
      }, 120_000);
    }
  }
});
