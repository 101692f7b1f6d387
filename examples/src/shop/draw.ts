/** Draws the way of a request in the terminal. */
import { styleText } from 'node:util';
import type { Handled, Served } from './process.js';
import type { Decision, Way } from './way.js';

const PAINT = {
  'feat-cart': 'magenta',
  'feat-price': 'cyan',
  'feat-down': 'red',
  'feat-other': 'yellow',
  baseline: 'green',
} as const;
const INDENT = ' '.repeat(15);

export function heading(text: string): string {
  return `\n${paint('bold', text)}\n`;
}

export function drawWay(color: string | undefined, way: Way): string {
  const name = (color ?? 'no color').padEnd(13);
  const lines = [
    `  ${paint(paintOf(color), name)}${way.hops.map(drawHop).join(' ──▶ ') || 'gateway ──▶ ✕ refused'}`,
  ];
  if (way.decisions.length > 0) {
    lines.push(paint('dim', `${INDENT}why: ${way.decisions.map(drawDecision).join(', ')}`));
  }
  if (way.refusal !== undefined) {
    lines.push(`${INDENT}${way.status} ${way.refusal.code}`, paint('dim', `${INDENT}${way.refusal.message}`));
  }
  return lines.join('\n');
}

/** Who handled the message that the request left behind. */
export function drawHandled(handled: readonly Handled[]): string {
  if (handled.length === 0) return `${INDENT}message orders ──▶ ✕ nobody handled it`;
  const lines = handled.map(
    ({ by, group, reason }) =>
      `${INDENT}message orders ──▶ stock ${paint(paintOf(by), by)} ${paint('dim', `(${group}, why: ${reason})`)}`,
  );
  return lines.join('\n');
}

export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return process.stdout.isTTY ? styleText(style, text) : text;
}

/** The fallback is said aloud: nobody should have to know that `not-member` means it. */
function drawDecision({ service, reason }: Decision): string {
  return reason === 'not-member' ? `${service} not-member, so baseline` : `${service} ${reason}`;
}

function drawHop({ service, color, port }: Served): string {
  return `${service} ${paint(paintOf(color), `${color} :${port}`)}`;
}

function paintOf(color: string | undefined): 'magenta' | 'cyan' | 'red' | 'green' | 'yellow' {
  return PAINT[(color ?? 'baseline') as keyof typeof PAINT] ?? 'green';
}
