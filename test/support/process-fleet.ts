import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built } from './built.js';

export interface ServiceProcess {
  readonly pid: number;
  readonly port: number;
  readonly child: ChildProcess;
  /** Sends a signal and waits for the end of the process. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

/** Services as real processes that find each other through a folder of their own. */
export class ProcessFleet {
  readonly folder: string;
  readonly #running = new Set<ChildProcess>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<ProcessFleet> {
    built('packages/http/dist/node.js');
    return new ProcessFleet(await mkdtemp(join(tmpdir(), 'colorway-faults-')));
  }

  /** Starts one instance, of a file in test/faults/fixtures, and waits until it is registered. */
  async start(
    service: string,
    color = '',
    env: Record<string, string> = {},
    fixture = 'service.mjs',
  ): Promise<ServiceProcess> {
    const child = fork(join(__dirname, '../faults/fixtures', fixture), {
      env: { ...process.env, SERVICE: service, COLORING_ENV: color, FOLDER: this.folder, ...env },
    });
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    const early = once(child, 'exit').then(() => {
      throw new Error(`${service} ended before it was ready`);
    });
    early.catch(() => {});
    const [{ port }] = (await Promise.race([once(child, 'message'), early])) as [{ port: number }];
    return {
      pid: child.pid as number,
      port,
      child,
      async end(signal) {
        const gone = once(child, 'exit');
        child.kill(signal);
        await gone;
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#running].map(async (child) => {
        const gone = once(child, 'exit');
        child.kill('SIGCONT');
        child.kill('SIGKILL');
        await gone;
      }),
    );
    await rm(this.folder, { recursive: true, force: true });
  }
}
