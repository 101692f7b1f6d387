// POSTs to the service "stock", which nobody may send twice, without retries: what a disturbance breaks is seen.
import { withColor } from '@colorway/core';
import { coloredDispatcher } from '@colorway/http/undici';
import { createColoring } from '@colorway/registry';
import { request } from 'undici';
import { openDirectory } from './open-directory.mjs';

/** @param {{ kind: string, place: string }} directory */
export async function openStockClient({ kind, place }) {
  const coloring = createColoring({
    service: 'bench',
    color: '',
    directory: await openDirectory(kind, place),
    closing: { noticeMs: 0 },
  });
  const dispatcher = coloredDispatcher(coloring, { services: ['stock'], balancing: { retry: { max: 0 } } });
  const instances = (color) => {
    const stock = coloring.view().services.get('stock');
    return (color === '' ? stock?.uncolored : stock?.colored.get(color))?.instances?.length ?? 0;
  };
  return {
    /** Fails where the answer is not of the color that was asked for. */
    call: (color) =>
      withColor(color === '' ? undefined : color, async () => {
        const { statusCode, body } = await request('http://stock/items', { method: 'POST', dispatcher });
        const answer = await body.text();
        if (statusCode !== 200 || answer !== color) throw new Error(`${statusCode} ${answer}`);
      }),
    /** Until so many instances of the color are seen. */
    async sees(color, count) {
      const deadline = performance.now() + 60_000;
      while (instances(color) !== count) {
        if (performance.now() > deadline)
          throw new Error(`not within 60 s: ${count} instances of "${color}"`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    close: () => coloring.close(),
  };
}
