import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

async function told(fixture: string): Promise<unknown> {
  const child = fork(join(__dirname, 'fixtures', fixture), { execArgv: [] });
  try {
    return (await Promise.race([once(child, 'message'), once(child, 'exit')]))[0];
  } finally {
    child.kill('SIGKILL');
  }
}

it('two copies of the OpenTelemetry API: the color travels, and a warning says what to do', async () => {
  const seen = (await told('two-apis.mjs')) as { warnings: { message: string }[] };
  expect(seen).toMatchObject({ color: 'red', warnings: [{ code: 'COLORWAY_TWO_OPENTELEMETRY_APIS' }] });
  expect(seen).not.toHaveProperty('outside');
  expect(seen.warnings[0]?.message).toMatch(/version 1\.9\.0 registered first.*npm ls @opentelemetry\/api/);
});

it("Fastify's inject is colored, and its requests end", async () => {
  expect(await told('inject.mjs')).toEqual({ colored: ['red', 1], uncolored: [null, 1], left: 0 });
});

it('uncolored calls enter no context, neither before nor after a colored one', async () => {
  expect(await told('uncolored-calls.mjs')).toEqual({ before: 0, after: 0 });
});
