/** Where a command writes to: text for people, or JSON, one document a line, for scripts. */
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
  answer(document: unknown, text: () => string): void {
    this.#out(`${this.#json ? JSON.stringify(document) : text()}\n`);
  }

  /** What goes on meanwhile, beside the answer. */
  progress(document: unknown, text: () => string): void {
    this.#err(`${this.#json ? JSON.stringify({ progress: document }) : text()}\n`);
  }

  /** What the argument library says of wrong usage. */
  usage(text: string): void {
    if (!this.#json) this.#err(text);
    else if (text.startsWith('error:')) this.failure('USAGE', text.slice('error:'.length).trim());
  }

  failure(code: string, message: string): void {
    this.#err(`${this.#json ? JSON.stringify({ error: { code, message } }) : `colorway: ${message}`}\n`);
  }
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
