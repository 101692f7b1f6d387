import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

it("beside OpenTelemetry's instrumentations every client says each thing once, to services and to others", async () => {
  const child = fork(join(__dirname, 'fixtures/clients.mjs'), { execArgv: [], env: quiet() });
  const [told] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  child.kill('SIGKILL');
  const expected: Record<string, string[]> = {};
  for (const client of ['fetch', 'undici', 'axios', 'agent'])
    for (const where of ['service', 'foreign']) {
      expected[`${client}, red, ${where}`] = [
        'x-infr-flowtype CE_red',
        'baggage x-infr-flowtype=CE_red,user=xx',
        'traceparent 1',
      ];
      expected[`${client}, no color, ${where}`] = ['x-infr-flowtype ', 'baggage user=xx', 'traceparent 1'];
    }
  expect(told).toEqual(expected);
}, 60_000);

function quiet(): NodeJS.ProcessEnv {
  const none = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
  return { ...process.env, ...none };
}
