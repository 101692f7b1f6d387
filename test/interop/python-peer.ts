import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pythonLibrary } from './python/library.mjs';

/** What the other language is to sign, and send. */
export interface Asked {
  readonly method?: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signatures?: readonly Signature[];
  /** In seconds from now. */
  readonly created?: number;
  readonly expires?: number;
  readonly nonce?: string;
  readonly tag?: string;
  readonly includeAlg?: boolean;
  /** Headers that are changed when it is signed. */
  readonly changed?: Readonly<Record<string, string>>;
  /** Sent in place of `target`. */
  readonly sentTarget?: string;
}

export interface Signature {
  readonly label: string;
  readonly keyId: string;
  readonly covered: readonly string[];
}

export interface Told {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A service in Python, as a process. */
export class PythonPeer {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  /** One line is answered by one line. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, port: number) {
    this.#child = child;
    this.#lines = lines;
    this.port = port;
  }

  static async start(secrets: Readonly<Record<string, string>>): Promise<PythonPeer> {
    const { python, folder } = await pythonLibrary((line) => console.error(line));
    const child = spawn(python, [join(__dirname, 'python/peer.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        ...process.env,
        PYTHONPATH: folder,
        PYTHONDONTWRITEBYTECODE: '1',
        SECRETS: JSON.stringify(secrets),
      },
    });
    const lines = createInterface(child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]();
    const { value } = await lines.next();
    if (value === undefined) throw new Error('The Python service ended before it listened: see above.');
    return new PythonPeer(child, lines, JSON.parse(value).port);
  }

  send(port: number, { method = 'GET', signatures = [], ...asked }: Asked): Promise<Told> {
    const told = this.#turn.then(async () => {
      this.#child.stdin?.write(`${JSON.stringify({ ...asked, method, signatures, port })}\n`);
      const { value } = await this.#lines.next();
      const answer = JSON.parse(String(value));
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer as Told;
    });
    this.#turn = told.catch(() => {}); // told to who asked
    return told;
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
