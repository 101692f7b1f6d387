// Instances of a service as processes, as `npm run bench` starts and restarts them.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../http/instance.worker.mjs', import.meta.url));

export class InstanceFleet {
  #children = new Set();
  #env;

  /** @param {{ kind: string, place: string }} directory */
  constructor({ kind, place }) {
    this.#env = { ...process.env, DIRECTORY: kind, DIRECTORY_PLACE: place };
  }

  /** Starts one instance of the service "stock" and waits until it is registered. Returns how to end it, by SIGTERM. */
  async start(color = '') {
    const child = fork(script, { env: { ...this.#env, COLORING_ENV: color } });
    this.#children.add(child);
    const gone = once(child, 'exit').then(() => this.#children.delete(child));
    const early = gone.then(() => {
      throw new Error('an instance ended before it was ready');
    });
    early.catch(() => {});
    await Promise.race([once(child, 'message'), early]);
    return async function end() {
      child.kill('SIGTERM');
      await gone;
    };
  }

  async close() {
    await Promise.all(
      [...this.#children].map(async (child) => {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }
}
