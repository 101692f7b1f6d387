import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nodeColoring } from '@colorway/http/node';
import { fakeColoring } from './fake-coloring.js';

it('notes that a color was used, once a request, and nothing for one without', async () => {
  const used: string[] = [];
  const coloring = { ...fakeColoringWithout(), noteUse: (color: string) => void used.push(color) };
  const server = createServer(nodeColoring(coloring, (_, response) => response.end()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await fetch(url, { headers: { 'x-infr-flowtype': 'CE_feat-cart' } });
    await fetch(url);
    await fetch(url, { headers: { 'x-infr-flowtype': 'load-test' } });
    expect(used).toEqual(['feat-cart']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

/** A copy that can be changed: its directory is not looked at. */
function fakeColoringWithout() {
  const { directory: _, ...rest } = Object.getOwnPropertyDescriptors(fakeColoring());
  return Object.defineProperties({}, rest) as Omit<ReturnType<typeof fakeColoring>, 'directory'> & {
    directory: never;
  };
}
