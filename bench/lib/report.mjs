// Prints one benchmark as rows of text: what, measured, goal, met or not.
import { cpus } from 'node:os';

/** @typedef {{ what: string, measured: number, unit?: string, goal?: number }} Row lower is better */

/** @param {string} title @param {readonly Row[]} rows @param {{ aa?: number, rounds?: number }} how */
export function report(title, rows, { aa, rounds } = {}) {
  const notes = [
    ...(rounds === undefined ? [] : [`${rounds} paired rounds`]),
    ...(aa === undefined ? [] : [`A/A ${aa.toFixed(3)}`]),
  ];
  console.log(`\n${title}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`);
  for (const { what, measured, unit = '', goal } of rows) {
    const verdict =
      goal === undefined ? '' : `goal <= ${format(goal)}${unit}  ${measured <= goal ? 'met' : 'NOT MET'}`;
    console.log(`  ${what.padEnd(58)} ${`${format(measured)}${unit}`.padStart(12)}  ${verdict}`);
  }
}

export function machine() {
  return `Node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}`;
}

function format(number) {
  if (Math.abs(number) >= 100) return number.toFixed(0);
  return number >= 10 ? number.toFixed(1) : number.toFixed(3);
}
