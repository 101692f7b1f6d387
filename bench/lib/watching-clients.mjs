// Clients that watch a directory, some to a process, as `npm run bench` has them tell when a change is routed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../registry/watching.worker.mjs', import.meta.url));
const WITHIN_MS = 60_000;

export class WatchingClients {
  #workers;
  #clients;

  /** @param {{ kind: string, place: string, processes: number, each: number }} options all have a view when it resolves */
  static async start({ kind, place, processes, each }) {
    const env = { ...process.env, DIRECTORY: kind, DIRECTORY_PLACE: place, CLIENTS: String(each) };
    const workers = Array.from({ length: processes }, () => fork(script, { env }));
    const clients = new WatchingClients(workers, processes * each);
    try {
      await Promise.all(workers.map((worker) => answer(worker)));
      return clients;
    } catch (error) {
      await clients.close();
      throw error;
    }
  }

  constructor(workers, clients) {
    this.#workers = workers;
    this.#clients = clients;
  }

  /**
   * When each client's view routed the color so, by `process.hrtime`, in milliseconds.
   * @param {{ color: string, to: 'colored' | 'baseline' }} expected what `route` says to a call of "stock"
   * @param {() => Promise<void>} change
   */
  async routed(expected, change) {
    await Promise.all(
      this.#workers.map((worker) => {
        const ready = answer(worker);
        worker.send(expected);
        return ready;
      }),
    );
    const seen = Promise.all(this.#workers.map((worker) => answer(worker)));
    seen.catch(() => {});
    await change();
    const times = (await seen).flat();
    if (times.length !== this.#clients)
      throw new Error(`${times.length} of ${this.#clients} clients answered`);
    return times;
  }

  async close() {
    const alive = this.#workers.filter((worker) => worker.connected);
    const gone = alive.map((worker) => once(worker, 'exit'));
    for (const worker of alive) worker.disconnect();
    await Promise.all(gone);
  }
}

async function answer(worker) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`not within ${WITHIN_MS} ms`)), WITHIN_MS);
  try {
    const exited = once(worker, 'exit', { signal: late.signal }).then(([status]) => {
      throw new Error(`a process of watching clients ended with status ${status}`);
    });
    const [message] = await Promise.race([once(worker, 'message', { signal: late.signal }), exited]);
    return message;
  } finally {
    clearTimeout(timer);
    late.abort();
  }
}
