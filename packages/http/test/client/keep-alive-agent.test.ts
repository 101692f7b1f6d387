import http from 'node:http';
import { text } from 'node:stream/consumers';
import { coloredAgent } from '@colorway/http/agent';
import { FakeColoring } from '../support/fake-coloring.js';
import { Fleet } from '../support/fleet.js';

/** A free connection is given up before the server ends it: a POST on it would fail, and nobody may send it twice. */
describe('a kept connection of coloredAgent', () => {
  const fleet = new Fleet();
  const coloring = new FakeColoring();

  afterAll(async () => {
    await coloring.close();
    await fleet.close();
  });

  function call(agent: http.Agent): Promise<string> {
    return new Promise((resolve, reject) => {
      http.get('http://stock/', { agent }, (response) => resolve(text(response))).on('error', reject);
    });
  }

  async function until(what: string, truth: () => boolean): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (!truth()) {
      if (performance.now() > deadline) throw new Error(`not within 20 s: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('is closed by the client a second before the time that the server has told, and used until then', async () => {
    const stock = await fleet.start(coloring, 'stock', {
      handler(_request, response) {
        // The server itself would wait for a minute.
        response.setHeader('Connection', 'keep-alive');
        response.setHeader('Keep-Alive', 'max=100, timeout=2');
        response.end('here');
      },
    });
    const agent = coloredAgent(coloring);
    await call(agent);
    await call(agent);
    const ports = stock.requests.map(({ socket }) => socket.remotePort);
    expect(ports[1]).toBe(ports[0]);
    await until('the client has closed it', () => stock.sockets.size === 0);
    await expect(call(agent)).resolves.toBe('here');
  }, 60_000);
});
