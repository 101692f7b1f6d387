import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

type Told = {
  readonly ready?: boolean;
  readonly active?: boolean;
  readonly at?: number;
  readonly failed?: string;
  readonly wrote?: boolean;
};
type Answer = { readonly id: number; readonly answer?: unknown; readonly failed?: string };

/** What a consumer tells by itself. */
export interface WhatIsTold {
  /** When the hand-over to its color was complete. */
  active(at: number): void;
  /** It writes to the directory now. */
  wrote(): void;
}

/** A consumer as a process of its own, and how to speak with it. */
export class ConsumerProcess {
  readonly name: string;
  readonly color: string | undefined;
  /** Resolves when it takes part, or says why it cannot. */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #orders = 0;
  paused = false;
  gone = false;

  constructor(
    name: string,
    color: string | undefined,
    script: string,
    env: Record<string, string>,
    told: WhatIsTold,
  ) {
    this.name = name;
    this.color = color;
    this.#child = fork(script, {
      env: { ...process.env, ...env, NAME: name, COLORING_ENV: color ?? '' },
      // That the directory is away is the point here.
      execArgv: ['--disable-warning=ColorwayWarning'],
    });
    this.#child.once('exit', () => {
      this.gone = true;
      for (const [id, answer] of this.#waiting) answer({ id, failed: `${name} ended` });
    });
    this.ready = new Promise<void>((resolve, reject) => {
      const cannot = (why: string): void => reject(new Error(`${name} cannot start: ${why}`));
      this.#child.once('exit', () => cannot('it ended before it was ready'));
      this.#child.on('message', (message: Told | Answer) => {
        if ('id' in message) this.#waiting.get(message.id)?.(message);
        else if (message.wrote === true) told.wrote();
        else if (message.active === true) told.active(message.at ?? Date.now());
        else if (message.ready === true) resolve();
        else cannot(message.failed ?? 'it does not say why');
      });
    });
    // Whoever kills it meanwhile does not wait for it.
    this.ready.catch(() => {});
  }

  async order(order: string, what: object = {}): Promise<unknown> {
    const id = ++this.#orders;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    if (this.gone) throw new Error(`${this.name} has ended`);
    this.#child.send({ ...what, id, order });
    const { answer, failed } = await answered;
    this.#waiting.delete(id);
    if (failed !== undefined) throw new Error(`${this.name}, told to ${order}: ${failed}`);
    return answer;
  }

  pause(): void {
    this.paused = true;
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.paused = false;
    this.#child.kill('SIGCONT');
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.gone) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill(signal);
    if (this.paused) this.#child.kill('SIGCONT');
    await exit;
  }
}
