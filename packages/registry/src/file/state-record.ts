import type { StateEntry } from '@colorway/core';

/** A wish to write. It has an effect only if its expectation holds at its place in the log. */
export type Attempt =
  | { readonly op: 'create'; readonly id: string; readonly key: string; readonly value: string }
  | {
      readonly op: 'set';
      readonly id: string;
      readonly key: string;
      readonly value: string;
      readonly expected: string;
    }
  | { readonly op: 'delete'; readonly id: string; readonly key: string; readonly expected: string };

/** One line of a state log. */
export type LogRecord =
  | Attempt
  /** An entry that stood at the end of the log before. */
  | ({ readonly op: 'entry' } & StateEntry)
  /** What comes after it in this log has no effect: the next log goes on. */
  | { readonly op: 'seal' };

/** Begins and ends with a newline, so that what a killed process left half-written spoils its own line alone. */
export function formatLogRecord(record: LogRecord): string {
  return `\n${JSON.stringify(record)}\n`;
}

/** `undefined` for a line that is no record. */
export function parseLogRecord(line: string): LogRecord | undefined {
  let read: Record<string, unknown>;
  try {
    read = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof read !== 'object' || read === null) return undefined;
  const fields = FIELDS[String(read.op)];
  return fields?.every((field) => typeof read[field] === 'string')
    ? (read as unknown as LogRecord)
    : undefined;
}

const FIELDS: Readonly<Record<string, readonly string[] | undefined>> = Object.assign(Object.create(null), {
  create: ['id', 'key', 'value'],
  set: ['id', 'key', 'value', 'expected'],
  delete: ['id', 'key', 'expected'],
  entry: ['key', 'value', 'version'],
  seal: [],
} satisfies Record<LogRecord['op'], readonly string[]>);
