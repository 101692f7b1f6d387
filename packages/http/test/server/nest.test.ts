import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What the stages of NestJS saw of a request of color red, and of one without. */
async function seenBy(way: string): Promise<unknown[]> {
  const child = fork(join(__dirname, 'fixtures/nest-fastify.mjs'), [way], { execArgv: [] });
  const seen: unknown[] = [];
  child.on('message', (one) => seen.push(one));
  const [code] = await once(child, 'exit');
  return code === 0 ? seen : [`ended with ${code}`];
}

it("NestJS on Fastify: behind coloredServer its own middlewares are in the request's color too", async () => {
  expect(await seenBy('coloredServer')).toEqual([
    { status: 200, middleware: 'red', handler: 'red' },
    { status: 200, middleware: null, handler: null },
  ]);
}, 60_000);

it('NestJS on Fastify: as a plug-in handlers are, and middlewares run before it, as the guide says', async () => {
  expect(await seenBy('fastifyColoring')).toEqual([
    { status: 200, middleware: null, handler: 'red' },
    { status: 200, middleware: null, handler: null },
  ]);
}, 60_000);
