import { plainText } from './plain-text.js';

const BRAND = Symbol.for('colorway.error');

/**
 * What went wrong, as a stable string. The number is the HTTP status that Express, Fastify and Koa
 * answer with when a handler lets the error escape.
 */
const STATUS_BY_CODE = {
  /** A color outside the grammar: 1 to 63 of `A-Za-z0-9-`, starting and ending with a letter or digit. */
  COLORWAY_INVALID_COLOR: 400,
  /** A flow type on the wire that is neither a color nor a mark that can travel on untouched. */
  COLORWAY_INVALID_FLOW_TYPE: 400,
  /** An option with a value that cannot work. */
  COLORWAY_INVALID_OPTION: 500,
  /** The service is a member of the colored environment, and no colored instance is alive (law 2). */
  COLORWAY_MEMBER_DOWN: 503,
  /** The service is known, and its baseline has no live instance. */
  COLORWAY_BASELINE_DOWN: 503,
  /** The call's URL says `https:`, and no instance that it may go to speaks TLS: it is not sent in plain text. */
  COLORWAY_INSTANCE_NOT_SECURE: 503,
  /** A host that is expected to be a service is not in the directory. */
  COLORWAY_SERVICE_UNKNOWN: 503,
  /** The directory has not answered once since the process started (law 6). */
  COLORWAY_DIRECTORY_UNANSWERED: 503,
  /** A colored instance was chosen and could not be reached, or broke off; its color has no other. */
  COLORWAY_INSTANCE_UNREACHABLE: 503,
  /** Whoever answered is another instance than the directory said, and the request cannot go on to the next. */
  COLORWAY_INSTANCE_MISDIRECTED: 503,
  /** A request whose headers were fixed before the color could be added. */
  COLORWAY_HEADERS_FIXED: 500,
  /** Reading from or writing to the directory failed. */
  COLORWAY_DIRECTORY_FAILED: 503,
  /** The directory has no state half, and the operation needs one. */
  COLORWAY_STATE_MISSING: 500,
  /** The directory no longer knows this instance: its lease ran out. Registering again mends it. */
  COLORWAY_LEASE_LOST: 503,
  /** The environment exists already, perhaps spelled in another case. */
  COLORWAY_ENVIRONMENT_EXISTS: 409,
  /** No environment of that color. */
  COLORWAY_ENVIRONMENT_UNKNOWN: 404,
  /** More than the policy of the directory allows: a longer life, or one more environment of an owner. */
  COLORWAY_POLICY_EXCEEDED: 403,
  /** A consumer group or queue name that cannot be colored: too long, empty, or the same as another's. */
  COLORWAY_GROUP_NAME: 500,
  /** Offsets are committed for a group of which nobody can tell whether it is the baseline's or the color's. */
  COLORWAY_GROUP_UNKNOWN: 500,
  /** The consumer that handles what a color left behind crashed. It is tried again. */
  COLORWAY_DRAIN_FAILED: 503,
  /** A wrapped client lacks what Colorway needs of it. */
  COLORWAY_CLIENT_UNSUPPORTED: 500,
  /** The message broker did not answer in time. */
  COLORWAY_BROKER_SILENT: 503,
  /** Somebody else changed the same key at the same time, again and again. */
  COLORWAY_CONFLICT: 409,
  /** A request between services without a valid signature, where one is required. */
  COLORWAY_UNAUTHENTICATED: 401,
  /** Whether a signature was used before cannot be told: the store that remembers them fails, or is silent. */
  COLORWAY_REPLAY_UNKNOWN: 503,
  /** A routed request that wants another service or color than the instance that it reached. */
  COLORWAY_MISDIRECTED: 421,
  /** Used after `close()`. */
  COLORWAY_CLOSED: 503,
} as const;

export type ColorwayErrorCode = keyof typeof STATUS_BY_CODE;

/**
 * Stands on an answer that passes a refusal on: whoever passes it on is well, so that callers do not turn away from it.
 */
export const REFUSAL_HEADER = 'x-colorway-refusal';

const REFUSALS: ReadonlySet<ColorwayErrorCode> = new Set([
  'COLORWAY_MEMBER_DOWN',
  'COLORWAY_BASELINE_DOWN',
  'COLORWAY_INSTANCE_NOT_SECURE',
  'COLORWAY_SERVICE_UNKNOWN',
  'COLORWAY_DIRECTORY_UNANSWERED',
  'COLORWAY_INSTANCE_UNREACHABLE',
  'COLORWAY_INSTANCE_MISDIRECTED',
]);

/**
 * The one error class of every Colorway package. Tell cases apart by `code`; use
 * {@link isColorwayError} rather than `instanceof`, which fails across two installed copies. The message is one line of
 * plain text, whatever it quotes.
 */
export class ColorwayError extends Error {
  override readonly name = 'ColorwayError';
  readonly code: ColorwayErrorCode;
  /** The HTTP status for an error that escapes a handler. Express, Fastify and Koa read it. */
  readonly statusCode: number;
  /** The same, under the name that Koa and Express 4 read. */
  readonly status: number;
  /** For the response of an error that escapes a handler; Express, Fastify and Koa read it. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Koa shows the message to the caller: it names services and colors, and no secrets. */
  readonly expose = true;

  constructor(code: ColorwayErrorCode, message: string, options?: ErrorOptions) {
    super(plainText(message), options);
    this.code = code;
    this.statusCode = STATUS_BY_CODE[code];
    this.status = this.statusCode;
    if (REFUSALS.has(code)) this.headers = { [REFUSAL_HEADER]: code };
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Whether a thrown value is a {@link ColorwayError} of this or of another installed copy. */
export function isColorwayError(value: unknown): value is ColorwayError {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** Shows a hostile or long value in a message: quoted, escaped as {@link plainText} does, at most 80 characters. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : textOf(value);
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return plainText(JSON.stringify(short));
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value; // it has no prototype, or a toString that throws
  }
}
