import { writeSync } from 'node:fs';
import { type Exploration, type ExploreOptions, explore } from './explore.js';
import { Model } from './model.js';
import type { World } from './world.js';

/** Whether `npm run model` asked: explores the large worlds too, and prints every trace. */
export const FULL = process.env.COLORWAY_MODEL === 'full';

export function run(name: string, world: World, options: ExploreOptions = {}): Exploration {
  return tell(name, explore(new Model(world), options));
}

export function tell(name: string, found: Exploration): Exploration {
  if (FULL) {
    const { states, transitions, depth, seconds, finding } = found;
    const outcome = finding === undefined ? 'holds' : finding.violation;
    // At once: jest keeps what is written to the stream until the test is over.
    const counts = `${states} states, ${transitions} transitions, depth ${depth}, ${seconds.toFixed(1)} s`;
    writeSync(
      process.stdout.fd,
      `\n${name}: ${outcome}\n  ${counts}\n${finding === undefined ? '' : `${lines(finding.trace)}\n`}`,
    );
  }
  return found;
}

export function lines(trace: readonly string[]): string {
  return trace.map((action, index) => `  ${String(index + 1).padStart(2)}  ${action}`).join('\n');
}
