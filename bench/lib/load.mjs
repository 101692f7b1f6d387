// Sends requests from a process of its own, so that the server's processor time is the server's alone.
// Started by `startLoad`; takes { url, headers, requests, connections } and answers when they are done.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';

export function startLoad() {
  const child = fork(fileURLToPath(import.meta.url), ['load']);
  return {
    async send(load) {
      const done = once(child, 'message');
      child.send(load);
      const [answer] = await done;
      if (answer.failed > 0) throw new Error(`${answer.failed} requests failed`);
    },
    close: () => child.disconnect(),
  };
}

async function send({ url, headers, requests, connections }) {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections });
  let sent = 0;
  let failed = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (sent < requests) {
        sent++;
        const { statusCode, body } = await pool.request({ path: pathname, method: 'GET', headers });
        await body.dump();
        if (statusCode !== 200) failed++;
      }
    }),
  );
  await pool.close();
  return { failed };
}

if (process.argv[2] === 'load') process.on('message', async (load) => process.send(await send(load)));
