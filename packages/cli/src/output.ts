import { plainLines, plainText } from '@colorway/core';

/**
 * Where a command writes to: text for people, or JSON, one document a line, for scripts. Text is made from a copy of the
 * document in which all that others wrote (owners, hosts, ids) is plain, and can neither forge lines nor move the cursor;
 * JSON is as it is.
 */
export class Output {
  readonly #json: boolean;
  readonly #out: (text: string) => void;
  readonly #err: (text: string) => void;

  constructor(json: boolean, out: (text: string) => void, err: (text: string) => void) {
    this.#json = json;
    this.#out = out;
    this.#err = err;
  }

  /** The answer: `document` with `--json`, else the text. */
  answer<T>(document: T, text: (shown: T) => string): void {
    this.#out(`${this.#json ? JSON.stringify(document) : plainLines(text(shown(document)))}\n`);
  }

  /** What goes on meanwhile, beside the answer. */
  progress<T>(document: T, text: (shown: T) => string): void {
    const told = this.#json ? JSON.stringify({ progress: document }) : plainLines(text(shown(document)));
    this.#err(`${told}\n`);
  }

  /** What the argument library says of wrong usage. */
  usage(text: string): void {
    if (!this.#json) this.#err(plainLines(text));
    else if (text.startsWith('error:')) this.failure('USAGE', text.slice('error:'.length).trim());
  }

  failure(code: string, message: string): void {
    this.#err(
      `${this.#json ? JSON.stringify({ error: { code, message } }) : `colorway: ${plainText(message)}`}\n`,
    );
  }
}

/** Deeper than any document of ours; what others nest deeper is not shown. */
const MAX_DEPTH = 12;

/** A copy whose strings and names of properties are plain text. */
export function shown<T>(document: T): T {
  return plainCopy(document, 0) as T;
}

function plainCopy(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return plainText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) return value.map((one) => plainCopy(one, depth + 1));
  const copied = Object.entries(value).map(([name, one]) => [plainText(name), plainCopy(one, depth + 1)]);
  return Object.fromEntries(copied);
}

/** Columns as wide as their longest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
