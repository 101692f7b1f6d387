import { plainLines, plainText } from '../plain-text.js';
import { processState } from '../process-state.js';

/** Takes one line and its details, as pino, winston and `console` do. */
export interface Logger {
  debug(message: string, details?: unknown): void;
  info(message: string, details?: unknown): void;
  warn(message: string, details?: unknown): void;
  error(message: string, details?: unknown): void;
}

/** So many subjects are remembered for `once` and `failing`; then the oldest is forgotten, and may be reported again. */
const MAX_SUBJECTS = 1_000;

/** So many lines of one code does `once` say in a day: who makes up subjects fills no log. */
const MAX_LINES = 100;
const DAY_MS = 86_400_000;

/**
 * Says what happens behind the user's back: to the logger of the coloring, else as process warnings. Codes are
 * stable (`warning.code === 'COLORWAY_INTERNAL'`); what a line is about stands beside them. A line is plain text, whatever it
 * quotes; the details are as they are.
 *
 * A logger that throws changes nothing.
 */
export class Reporter {
  readonly #logger: Logger | undefined;
  readonly #seen: Set<string>;
  readonly #failing = new Map<string, number>();
  readonly #now: () => number;
  /** How many lines of a code `once` has said, and since when. Codes are few. */
  readonly #said = new Map<string, { lines: number; readonly since: number }>();

  /** @param now milliseconds that only grow. Default `performance.now`. */
  constructor(logger?: Logger, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#logger = logger;
    this.#seen = logger === undefined ? processState().warned : new Set();
  }

  warn(code: string, message: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#emit('warn', code, message, details);
  }

  error(code: string, message: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#emit('error', code, message, details);
  }

  /** One line for each code and subject; of one code a hundred a day. */
  once(code: string, message: string, subject = ''): void {
    const key = `${code} ${subject}`;
    if (this.#seen.has(key)) return;
    const lines = this.#count(code);
    if (lines > MAX_LINES) return;
    forgetOldest(this.#seen);
    this.#seen.add(key);
    const rest = lines === MAX_LINES ? ' Further ones of this code go without a report for a day.' : '';
    this.warn(code, `${message}${rest}`, subject === '' ? {} : { subject });
  }

  /** A failure that nobody awaits. A programming error is reported as `COLORWAY_INTERNAL`, with its stack. */
  failure(code: string, subject: string, error: unknown): void {
    const internal = isProgrammingError(error);
    const message = internal
      ? `${subject}: ${reasonOf(error)}. This is a fault of Colorway or of a client that it wraps.`
      : `${subject}: ${reasonOf(error)}`;
    this.#emit('error', internal ? 'COLORWAY_INTERNAL' : code, message, { subject, error });
  }

  /** Something that is tried again failed: one line when it begins, none until `working`. */
  failing(code: string, subject: string, error: unknown): void {
    const key = `${code} ${subject}`;
    if (this.#failing.has(key)) return;
    forgetOldest(this.#failing);
    this.#failing.set(key, Date.now());
    const internal = isProgrammingError(error);
    this.#emit(
      'warn',
      internal ? 'COLORWAY_INTERNAL' : code,
      `${subject} fails and is tried again: ${reasonOf(error)}`,
      { subject, error },
    );
  }

  /** It works: one line if it was failing. */
  working(code: string, subject: string): void {
    const key = `${code} ${subject}`;
    const since = this.#failing.get(key);
    if (since === undefined) return;
    this.#failing.delete(key);
    const seconds = Math.round((Date.now() - since) / 1_000);
    this.#emit('warn', code, `${subject} works again, after ${seconds} s.`, { subject });
  }

  /** It will not be tried again: nothing is remembered of it. */
  forget(code: string, subject: string): void {
    this.#failing.delete(`${code} ${subject}`);
  }

  #count(code: string): number {
    const now = this.#now();
    let said = this.#said.get(code);
    if (said === undefined || now - said.since >= DAY_MS) {
      said = { lines: 0, since: now };
      this.#said.set(code, said);
    }
    return ++said.lines;
  }

  #emit(
    level: 'warn' | 'error',
    code: string,
    text: string,
    details: Readonly<Record<string, unknown>>,
  ): void {
    const message = plainText(text);
    if (this.#logger === undefined) {
      const { error } = details;
      const detail = code === 'COLORWAY_INTERNAL' && error instanceof Error ? error.stack : undefined;
      process.emitWarning(message, {
        type: 'ColorwayWarning',
        code,
        ...(detail !== undefined && { detail: plainLines(detail) }),
      });
      return;
    }
    try {
      this.#logger[level](`${code}: ${message}`, { code, ...details });
    } catch {
      // The logger is the application's; there is nobody left to tell.
    }
  }
}

/** Where there is no coloring: process warnings. */
export function defaultReporter(): Reporter {
  const state = processState();
  state.reporter ??= new Reporter();
  return state.reporter as Reporter;
}

/** What a thrown value says of itself. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Errors that trying again does not mend and no outage explains. */
export function isProgrammingError(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof ReferenceError ||
    error instanceof SyntaxError
  );
}

/** Calls what the application gave us: an error of it is reported once, and changes nothing. */
export function callSafely(reporter: Reporter, what: string, callback: () => unknown): void {
  const failed = (error: unknown): void =>
    reporter.once('COLORWAY_CALLBACK_FAILED', `${what} threw: ${reasonOf(error)}. It changes nothing.`, what);
  try {
    const outcome = callback();
    if (outcome instanceof Promise) outcome.catch(failed);
  } catch (error) {
    failed(error);
  }
}

function forgetOldest(subjects: Set<string> | Map<string, unknown>): void {
  if (subjects.size < MAX_SUBJECTS) return;
  const [oldest] = subjects.keys();
  if (oldest !== undefined) subjects.delete(oldest);
}
