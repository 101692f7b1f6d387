// Run by check-client-pairs.mjs with some Node, beside some undici: each way of calling, to a service in color and without,
// and to a host that is none. Says which pair it is, or throws.
import { deepStrictEqual as equal, rejects } from 'node:assert';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { createServer } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { json, text } from 'node:stream/consumers';
import { activeColor, withColor } from '@colorway/core';
import { coloredAgent } from '@colorway/http/agent';
import { coloredFetch } from '@colorway/http/fetch';
import { coloredDispatcher } from '@colorway/http/undici';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import * as undici from 'undici';

const directory = memoryDirectory();
const open = [];
const [foreign] = await Promise.all([serve('foreign'), register('baseline', ''), register('red', 'red')]);
const coloring = colored('caller', '');
const dispatcher = coloredDispatcher(coloring);
const ofNode = coloredFetch(coloring);
const ofUndici = coloredFetch(coloring, { fetch: undici.fetch });

/** Each gives back what the server has told. */
const CLIENTS = {
  async request(url, init) {
    const { body } = await undici.request(url, { dispatcher, ...init });
    return body.json();
  },
  async stream(url, init) {
    const chunks = [];
    const to = () =>
      new Writable({
        write(chunk, _, next) {
          chunks.push(chunk);
          next();
        },
      });
    await undici.stream(url, { dispatcher, method: 'GET', ...init }, to);
    return JSON.parse(Buffer.concat(chunks).toString());
  },
  async pipeline(url, { body, ...init }) {
    const duplex = undici.pipeline(url, { dispatcher, method: 'GET', ...init }, ({ body }) => body);
    duplex.end(body);
    return json(duplex);
  },
  async fetch(url, init) {
    return (await undici.fetch(url, { dispatcher, ...init })).json();
  },
  async "coloredFetch on Node's"(url, init) {
    return (await ofNode(url, init)).json();
  },
  async "coloredFetch on undici's"(url, init) {
    return (await ofUndici(url, init)).json();
  },
};
const POST = { method: 'POST', body: 'x'.repeat(10_000), headers: { 'x-mine': '1' } };

for (const [name, call] of Object.entries(CLIENTS)) {
  for (const init of [{}, POST]) {
    const told = async (color, url) => {
      const got = await withColor(color, async () => {
        const answer = await call(url, init);
        equal(activeColor(), color, `${name}: the caller's color is another one`);
        return answer;
      });
      return [got.id, got.flow, got.length, got.mine];
    };
    const rest = init === POST ? [POST.body.length, '1'] : [0, null];
    equal(await told('red', 'http://stock/'), ['red', 'CE_red', ...rest], name);
    equal(await told(undefined, 'http://stock/'), ['baseline', null, ...rest], name);
    equal(await told('red', `http://127.0.0.1:${foreign}/`), ['foreign', null, ...rest], name);
    equal(await told(undefined, `http://127.0.0.1:${foreign}/`), ['foreign', null, ...rest], name);
  }
}
// A body that is a stream, an abort, and a host that nobody knows.
const { body } = await undici.request('http://stock/', {
  dispatcher,
  method: 'POST',
  body: Readable.from(['first,', 'last']),
});
equal((await body.json()).length, 10);
const signal = AbortSignal.timeout(50);
await rejects(undici.request('http://stock/never', { dispatcher, signal }), { name: 'TimeoutError' });
await rejects(ofNode('http://stock/never', { signal }), { name: 'TimeoutError' });
await rejects(undici.request('http://nobody/', { dispatcher }), /nobody.*it knows .*stock/s);

// An agent sends a request again that reached an instance which is another one now, out of what this Node keeps of it.
const agent = coloredAgent(coloring);
await register('moved', '', 'shelf', 421);
await register('shelf', '', 'shelf');
for (let one = 0; one < 8; one++) {
  const request = http.request('http://shelf/', { agent, method: one % 2 ? 'POST' : 'GET' });
  request.end(one % 2 ? 'once' : undefined);
  const [response] = await once(request, 'response');
  const { id, length } = await json(response);
  equal([response.statusCode, id, length], [200, 'shelf', one % 2 ? 4 : 0]);
}
agent.destroy();

await Promise.all(open.map((close) => close()));
const manifest = new URL('node_modules/undici/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
console.log(`Node ${process.versions.node}, undici ${version}`);

function colored(service, color) {
  const made = createColoring({ service, color, directory, closing: { noticeMs: 0 } });
  open.unshift(() => made.close());
  return made;
}

async function register(id, color, service = 'stock', status = 200) {
  await colored(service, color).register({ host: '127.0.0.1', port: await serve(id, status) });
}

async function serve(id, status = 200) {
  const server = createServer(async (incoming, response) => {
    if (incoming.url === '/never') return;
    const { length } = await text(incoming);
    const { 'x-infr-flowtype': flow = null, 'x-mine': mine = null } = incoming.headers;
    if (status === 421) response.setHeader('x-colorway-misdirected', '1');
    response.statusCode = status;
    response.end(JSON.stringify({ id, flow, length, mine }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return server.address().port;
}
