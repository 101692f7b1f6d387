/** Starts and stops the shop: nine processes on free ports, and a folder as their directory. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Handled } from './process.js';

export interface Instance {
  readonly service: string;
  readonly color: string | undefined;
  readonly port: number;
  readonly process: ChildProcess;
}

export class Shop {
  readonly instances: Instance[] = [];
  /** Each order that was handled as a message, by its id. */
  readonly handled = new Map<string, readonly Handled[]>();
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Shop> {
    return new Shop(await mkdtemp(join(tmpdir(), 'colorway-shop-')));
  }

  /** Starts one instance and waits until it serves and is registered. */
  async start(service: 'gateway' | 'order' | 'stock', color?: string, leaseMs = 10_000): Promise<Instance> {
    const child = fork(new URL(`./${service}.js`, import.meta.url), {
      env: {
        ...process.env,
        COLORING_ENV: color ?? '',
        COLORWAY_DIRECTORY: pathToFileURL(this.#folder).href,
        COLORWAY_STATE: '',
        LEASE_MS: String(leaseMs),
      },
    });
    child.on('message', ({ handled }: { handled?: Handled }) => {
      if (handled !== undefined)
        this.handled.set(handled.order, [...this.#handledAs(handled.order), handled]);
    });
    const ready = once(child, 'message') as Promise<[{ port: number }]>;
    const ended = once(child, 'exit').then(([status, signal]) => {
      throw new Error(
        `${service} (${color ?? 'baseline'}) ended before it was ready: ${signal ?? `status ${status}`}`,
      );
    });
    const [{ port }] = await Promise.race([ready, ended]);
    ended.catch(() => {});
    const instance = { service, color, port, process: child };
    this.instances.push(instance);
    return instance;
  }

  /** Who handled an order, or what there is after ten seconds. */
  async whoHandled(order: string): Promise<readonly Handled[]> {
    for (const end = Date.now() + 10_000; Date.now() < end; ) {
      const handled = this.#handledAs(order);
      if (handled.length > 0) return handled;
      await sleep(10);
    }
    return [];
  }

  #handledAs(order: string): readonly Handled[] {
    return this.handled.get(order) ?? [];
  }

  /** Ends every process, the gentle way first, and removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.instances.map(({ process: child }) => end(child)));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(timer);
}
