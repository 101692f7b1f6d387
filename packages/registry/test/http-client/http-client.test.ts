import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpClient } from '../../src/http-client/index.js';
import { cleanUp } from '../support/clean-up.js';

/** A server whose answers the test gives; the count of requests that reached it. */
async function serving(answer: RequestListener): Promise<{ url: string; readonly requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

function client(...endpoints: string[]): HttpClient {
  const http = new HttpClient({ server: 'Test', option: 'url', endpoints, timeoutMs: 300 });
  cleanUp(() => http.close());
  return http;
}

const fine: RequestListener = (_request, response) => response.end('fine');
const broken: RequestListener = (_request, response) => response.writeHead(503).end('no leader');
const mute: RequestListener = () => {};
/** Nobody listens here: the port is reserved, and its service is not in use. */
const NOBODY = 'http://127.0.0.1:1';

const text = ({ text: body }: { text: string }) => body;

it.each([
  ['answers 503', broken],
  ['does not answer', mute],
  ['answers what cannot be read', ((_request, response) => response.end('garbage')) as RequestListener],
])('a read goes to the next endpoint when one %s, and stays there', async (_what, fault) => {
  const [bad, good] = [await serving(fault), await serving(fine)];
  const http = client(bad.url, good.url);
  const read = ({ text: body }: { text: string }) => {
    if (body !== 'fine') throw new Error('unreadable');
    return body;
  };
  expect(await http.call({ path: '/a' }, read)).toBe('fine');
  expect(await http.call({ path: '/b' }, read)).toBe('fine');
  expect(bad.requests).toEqual(['GET /a']);
  expect(good.requests).toEqual(['GET /a', 'GET /b']);
});

it.each([broken, mute])('a write that may have been made goes to no second endpoint', async (fault) => {
  const [bad, good] = [await serving(fault), await serving(fine)];
  const http = client(bad.url, good.url);
  await expect(http.call({ method: 'PUT', path: '/a' }, text)).rejects.toMatchObject({
    code: 'COLORWAY_DIRECTORY_FAILED',
    message: expect.stringContaining(bad.url),
  });
  expect(good.requests).toEqual([]);
  expect(await http.call({ method: 'PUT', path: '/b' }, text)).toBe('fine'); // the next one
});

it('a write that was never sent goes to the next endpoint, and so does one that may be repeated', async () => {
  const [bad, good] = [await serving(broken), await serving(fine)];
  expect(await client(NOBODY, good.url).call({ method: 'PUT', path: '/a' }, text)).toBe('fine');
  const http = client(bad.url, good.url);
  expect(await http.call({ method: 'PUT', path: '/b', repeatable: true }, text)).toBe('fine');
});

it('a refusal of the call itself goes to nobody else, and hides the query', async () => {
  const [bad, good] = [
    await serving((_request, response) => response.writeHead(403).end('denied')),
    await serving(fine),
  ];
  const http = client(bad.url, good.url);
  const refused = http.call({ path: '/a?password=secret' }, text);
  await expect(refused).rejects.toThrow(`Test at ${bad.url} failed: GET /a: it answered 403: denied`);
  expect(good.requests).toEqual([]);
  expect(await http.call({ path: '/a', expect: [403] }, ({ status }) => status)).toBe(403);
});

it('puts the path of an endpoint before that of every call', async () => {
  const server = await serving(fine);
  await client(`${server.url}/consul/`).call({ path: '/v1/x' }, text);
  expect(server.requests).toEqual(['GET /consul/v1/x']);
});

it('reads lines as they come, whole characters only, until it is told to stop', async () => {
  const bytes = Buffer.from('{"a":"é漢"}\nsecond\nrest');
  const server = await serving((_request, response) => {
    let at = 0;
    const timer = setInterval(() => {
      if (at < bytes.length) response.write(bytes.subarray(at, ++at));
      else response.end();
    }, 1);
    response.on('close', () => clearInterval(timer));
  });
  const { lines } = await client(server.url).stream({ path: '/' });
  const read: string[] = [];
  for await (const line of lines) read.push(line);
  expect(read).toEqual(['{"a":"é漢"}', 'second', 'rest']);

  const endless = await serving((_request, response) => response.write('one\n'));
  const stop = new AbortController();
  const stream = await client(endless.url).stream({ path: '/', signal: stop.signal });
  await expect(
    (async () => {
      for await (const line of stream.lines) {
        read.push(line);
        stop.abort();
      }
    })(),
  ).rejects.toThrow();
  expect(read.at(-1)).toBe('one');
});

it('breaks off what is under way when it is closed', async () => {
  const server = await serving(mute);
  const http = client(server.url);
  const call = http.call({ path: '/' }, text);
  const refused = expect(call).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
  await http.close();
  await refused;
  await expect(http.call({ path: '/' }, text)).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
});
