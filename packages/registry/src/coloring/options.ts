import { userInfo } from 'node:os';
import {
  type CarrierNames,
  type CarrierOptions,
  type Color,
  ColorwayError,
  type ContextLossOption,
  carrierNames,
  type Directory,
  isColor,
  parseColor,
  quote,
  resolveCarrierNames,
} from '@colorway/core';
import { defaultReporter, type Logger, Reporter } from '@colorway/core/background';
import { DEFAULT_TTL_MS } from '../environments/index.js';
import { serviceOfProcess } from './service-of-process.js';

export interface CreateColoringOptions {
  /**
   * The name of this service, under which others call it: 1 to 128 of `A-Za-z0-9._-`. Default, the first of: the environment
   * variables `COLORWAY_SERVICE` and `OTEL_SERVICE_NAME`; the name, without its scope, in the package.json that is nearest
   * above the script of this process (above the working folder where a tool in `node_modules` runs it).
   */
  readonly service?: string;
  /** The color of this instance. Default: the environment variable `COLORING_ENV`; `''` is none, the baseline. */
  readonly color?: string;
  /**
   * Where instances and environments are kept. It belongs to this coloring, which closes it. Default: the address in the
   * environment variable `COLORWAY_DIRECTORY`, with `COLORWAY_STATE` for the state half; else `fileDirectory()`, which is said
   * once, and refused in production (`NODE_ENV`), in containers and in Kubernetes.
   */
  readonly directory?: Directory;
  /**
   * The names under which a color travels. They hold for the whole process. Default: those of an earlier
   * `createColoring` of this process, else the standard ones.
   */
  readonly carriers?: CarrierOptions;
  /** Whether work without a color of its own takes this instance's color. Default true. */
  readonly assumeInstanceColor?: boolean;
  /**
   * Whether work has the color of baggage that OpenTelemetry has read and no middleware has looked at: what runs in front of
   * the middleware, or where there is none. It holds for the whole process. Default: true, as long as no middleware of
   * the process has an `accept` other than `'all'`; then only what a middleware or a message has let in counts.
   */
  readonly trustBaggage?: boolean;
  /** What happens when an outgoing call has probably lost its color. Default `count`. */
  readonly contextLoss?: ContextLossOption;
  /** How long a call waits for the directory's first answer, and for any later one, in milliseconds. Default 5,000. */
  readonly directoryTimeoutMs?: number;
  /** How long an instance that is not heard of stays in the directory, in milliseconds. Default 10,000. */
  readonly leaseMs?: number;
  /** The environment that a colored instance creates, or extends, when it registers. */
  readonly environment?: {
    /** Default: the user that runs the process. */
    readonly owner?: string;
    /** How long it lives at least after the last time that an instance of it was alive, in milliseconds. Default 7 days. */
    readonly ttlMs?: number;
  };
  /**
   * Is told what happens in the background: what failed and is tried again, and when it works again. Each line has a
   * stable code. Anything with `debug`, `info`, `warn` and `error`. Default: process warnings.
   */
  readonly logger?: Logger;
  /** The times of `close()`. */
  readonly closing?: {
    /**
     * How long callers get to notice that this instance is gone, in milliseconds; up to four times that while requests
     * still come to its registered server. Default 1,000.
     */
    readonly noticeMs?: number;
    /** How long requests in flight get to finish, in milliseconds. Default 30,000. */
    readonly drainMs?: number;
  };
}

/** {@link CreateColoringOptions}, checked and complete, without the directory. */
export interface ColoringOptions {
  readonly service: string;
  readonly color: Color | undefined;
  readonly carriers: CarrierNames;
  readonly assumeInstanceColor: boolean;
  readonly contextLoss: ContextLossOption;
  readonly directoryTimeoutMs: number;
  readonly leaseMs: number;
  readonly environment: { readonly owner: string; readonly ttlMs: number };
  readonly closing: { readonly noticeMs: number; readonly drainMs: number };
  readonly reporter: Reporter;
}

const CONTEXT_LOSS: readonly unknown[] = ['count', 'log', 'off'] satisfies ContextLossOption[];

/** The longest delay of a timer, 2^31 - 1 ms; Node fires at once for more. */
const MAX_DELAY_MS = 2_147_483_647;

/** @throws ColorwayError `COLORWAY_INVALID_OPTION`, or `COLORWAY_INVALID_COLOR`, for a value that cannot work. */
export function resolveOptions(options: CreateColoringOptions): ColoringOptions {
  const contextLoss = options.contextLoss ?? 'count';
  if (!CONTEXT_LOSS.includes(contextLoss)) {
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `contextLoss: ${quote(contextLoss)} must be "count", "log" or "off".`,
    );
  }
  flag('trustBaggage', options.trustBaggage);
  const { environment = {}, closing = {} } = options;
  return Object.freeze({
    service: serviceOfProcess(options.service, {
      ...{ env: process.env, script: process.argv[1], cwd: process.cwd() },
    }),
    color: colorOfProcess(options.color),
    carriers: options.carriers === undefined ? carrierNames() : resolveCarrierNames(options.carriers),
    assumeInstanceColor: flag('assumeInstanceColor', options.assumeInstanceColor) ?? true,
    contextLoss,
    directoryTimeoutMs: milliseconds('directoryTimeoutMs', options.directoryTimeoutMs, 5_000, 1),
    leaseMs: milliseconds('leaseMs', options.leaseMs, 10_000, 100),
    environment: Object.freeze({
      owner: environment.owner ?? userName(),
      ttlMs: milliseconds('environment.ttlMs', environment.ttlMs, DEFAULT_TTL_MS, 1, Number.MAX_SAFE_INTEGER),
    }),
    reporter: options.logger === undefined ? defaultReporter() : new Reporter(options.logger),
    closing: Object.freeze({
      noticeMs: milliseconds('closing.noticeMs', closing.noticeMs, 1_000, 0),
      drainMs: milliseconds('closing.drainMs', closing.drainMs, 30_000, 0),
    }),
  });
}

function colorOfProcess(option: string | undefined): Color | undefined {
  const color = option ?? process.env.COLORING_ENV ?? '';
  if (color === '') return undefined;
  if (option !== undefined || isColor(color)) return parseColor(color);
  throw new ColorwayError(
    'COLORWAY_INVALID_COLOR',
    `COLORING_ENV: ${quote(color)} is not a color. Use 1 to 63 letters, digits and hyphens, like "feat-cart"; leave it empty for the baseline.`,
  );
}

/** The text `'false'` is true to JavaScript. */
function flag(name: string, value: boolean | undefined): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw new ColorwayError('COLORWAY_INVALID_OPTION', `${name}: ${quote(value)} must be true or false.`);
}

function milliseconds(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max = MAX_DELAY_MS,
): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `${name}: ${quote(value)} must be ${min} to ${max} milliseconds.`,
  );
}

/** A container may run under a user id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
