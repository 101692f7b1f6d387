import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cleanUp } from './clean-up.js';

/** A process of its own that runs one of `support/children.ts`'s jobs; killed after the test if it still runs. */
export interface Child {
  readonly process: ChildProcess;
  /** The lines that it has printed. */
  readonly lines: string[];
  /** Resolves with the exit status; null for one that was killed. */
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

export function startChild(job: string, ...args: string[]): Child {
  return start([process.execPath, ...commandLine(job, args)]);
}

/** The same, in a shell that lets no file grow beyond `blocks` of 1,024 bytes. */
export function startLimitedChild(blocks: number, job: string, ...args: string[]): Child {
  return start([
    'bash',
    '-c',
    `ulimit -f ${blocks}; exec "$@"`,
    'bash',
    process.execPath,
    ...commandLine(job, args),
  ]);
}

function commandLine(job: string, args: readonly string[]): string[] {
  const loader = pathToFileURL(join(__dirname, 'typescript.mjs')).href;
  return ['--import', loader, join(__dirname, 'children.ts'), job, ...args];
}

function start([command = '', ...args]: string[]): Child {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  const exited = once(child, 'close').then(([status]) => status as number | null);
  cleanUp(() => {
    child.kill('SIGKILL');
    return exited;
  });
  return { process: child, lines, exited, kill: (signal) => child.kill(signal) };
}
