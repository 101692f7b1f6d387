import type { Context, ContextManager } from '@opentelemetry/api';
import type { CarrierNames } from './carrier-names.js';

/**
 * What every copy of this package in one process must share: a package loaded twice (as ES module and
 * as CommonJS, or in two versions) has two sets of module variables, and one global symbol registry.
 */
interface ProcessState {
  names?: CarrierNames;
  /** What the application says of baggage that no middleware has looked at. */
  trustsBaggage?: boolean;
  /** Whether a middleware of this process decides who may set a color. */
  hasPolicy?: boolean;
  /** Installs a context manager and propagators; called before the first context is entered. */
  prepare?: () => void;
  /** Whether a context was entered and found to work. */
  prepared?: boolean;
  /** Used where OpenTelemetry's API is of no use to us (see `setup`). */
  ownContextManager?: ContextManager;
  /** What context managers say is active outside everything, where that is not our API's `ROOT_CONTEXT`. */
  managersRoot?: Context;
  readonly warned: Set<string>;
  /** A `Reporter`, as the module of that class knows it. */
  reporter?: unknown;
}

const KEY = Symbol.for('colorway.process.1');

export function processState(): ProcessState {
  const globals = globalThis as { [KEY]?: ProcessState };
  globals[KEY] ??= { warned: new Set() };
  return globals[KEY];
}
