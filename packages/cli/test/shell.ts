import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { type ExitStatus, runCli } from '../src/index.js';

export interface Ran {
  readonly status: ExitStatus;
  readonly out: string;
  readonly err: string;
  /** Standard output, one JSON document a line. */
  readonly documents: readonly Record<string, unknown>[];
}

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A folder of services on one machine, and the command line in front of it. */
export class Shell {
  readonly folder = mkdtempSync(join(tmpdir(), 'colorway-cli-'));
  readonly env: Record<string, string> = { COLORWAY_DIRECTORY: `file://${join(this.folder, 'directory')}` };

  /** Standard output of all runs so far, also of those that go on. */
  heard = '';

  constructor() {
    cleanUps.push(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  async run(...args: string[]): Promise<Ran> {
    return this.until(new AbortController().signal, ...args);
  }

  /** Runs a command that Ctrl-C would end. */
  async until(signal: AbortSignal, ...args: string[]): Promise<Ran> {
    let out = '';
    let err = '';
    const status = await runCli(args, {
      env: this.env,
      cwd: this.folder,
      stdin: { isTTY: false } as NodeJS.ReadStream,
      write: (text) => {
        out += text;
        this.heard += text;
      },
      writeError: (text) => {
        err += text;
      },
      signal,
    });
    const documents = args.includes('--json')
      ? out
          .trim()
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line))
      : [];
    return { status, out, err, documents };
  }

  /** One instance, as a service would register it; crashed, it stays a member. */
  async start(service: string, color = ''): Promise<{ close(): Promise<void> }> {
    const coloring = createColoring({
      service,
      color,
      directory: fileDirectory({ folder: join(this.folder, 'directory') }),
      closing: { noticeMs: 0 },
    });
    cleanUps.push(() => coloring.close());
    await coloring.register({ port: 3_000 + Math.floor(Math.random() * 1_000) });
    return coloring;
  }
}
