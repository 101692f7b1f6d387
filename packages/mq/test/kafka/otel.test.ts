import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';

interface Told {
  readonly topic: string;
  readonly sent: Readonly<Record<string, string>>;
  readonly handled: readonly { readonly text: string; readonly by: string }[];
  readonly spans: readonly {
    readonly name: string;
    readonly traceId: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
}

/** jest's module registry goes past the hooks of instrumentations, so this is a process of its own. */
async function run(brokers: string): Promise<Told> {
  const loader = pathToFileURL(join(__dirname, '../../../registry/test/support/typescript.mjs')).href;
  const env = {
    ...process.env,
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  };
  const args = ['--import', loader, join(__dirname, 'otel.child.ts'), brokers];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 100_000 });
  return JSON.parse(stdout) as Told;
}

describeWithServers(['kafka'], 'Kafka beside OpenTelemetry’s instrumentation', (servers) => {
  test('color, baggage and trace of each message are its own', async () => {
    const { topic, sent, handled, spans } = await run(servers.kafka.brokers.join());
    const own = (text: string, by: string, color?: string, user?: string) => ({
      ...{ by, text, traceId: sent[text] },
      ...(color !== undefined && { color }),
      ...(user !== undefined && { user }),
    });
    expect([...handled].sort((a, b) => (a.text < b.text ? -1 : 1))).toEqual([
      own('blue', 'base', 'blue'),
      own('own', 'base', undefined, '7'),
      own('own red', 'red', 'red', '8'),
      own('plain', 'base'),
      own('red', 'red', 'red'),
    ]);
    expect(spans).toHaveLength(5);
    const ofRed = spans.find(({ traceId }) => traceId === sent.red);
    expect(ofRed).toMatchObject({
      name: `process ${topic}`,
      attributes: {
        'coloring.color': 'red',
        'coloring.reason': 'joined',
        'coloring.kind': 'own',
        'coloring.group': `GID_red_${topic}`,
      },
    });
    expect(spans.find(({ traceId }) => traceId === sent.plain)?.attributes).not.toHaveProperty(
      'coloring.color',
    );
  }, 120_000);
});
