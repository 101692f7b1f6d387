import { type ChildProcess, spawn } from 'node:child_process';
import { built } from '../support/built.js';

const running: ChildProcess[] = [];

/** To be called after each test. */
export function endDemos(): void {
  for (const child of running.splice(0)) child.kill('SIGKILL');
}

/** The demo as a process, with its output so far and its exit status. */
export function startDemo(...args: string[]) {
  const child = spawn(process.execPath, [built('examples/dist/shop/demo.js'), ...args]);
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const status = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, status, output: () => output };
}
