import { context, propagation } from '@opentelemetry/api';
import { contextWorks } from '../active-context.js';
import { processState } from '../process-state.js';
import { ColoringPropagator } from '../propagator.js';
import { warnOnce } from '../warn-once.js';
import {
  AsyncLocalStorageContextManager,
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from './opentelemetry.js';

/**
 * Sees to it that a color can follow asynchronous calls, with or without an OpenTelemetry SDK.
 * `createColoring()` calls it; call it yourself only to use the core alone.
 *
 * Nothing is registered until the first colored request or message, so that an SDK which starts in the
 * meantime registers its own context manager and propagators, and those are used. Whatever is missing
 * then is registered: an `AsyncLocalStorage` context manager, and W3C trace context + baggage + color.
 * An SDK that starts still later works on that context manager; its propagators are refused by the API.
 */
export function setupContext(): void {
  const state = processState();
  state.prepare = install;
  // The API has one root as ES module, which we load, and another as CommonJS, which the manager's package loads. Told apart,
  // the two would make every piece of work outside a request look like work in some other context.
  state.managersRoot ??= new AsyncLocalStorageContextManager().active();
}

function install(): void {
  if (!contextWorks()) installContextManager();
  if (propagation.fields().length === 0) {
    propagation.setGlobalPropagator(
      new CompositePropagator({
        propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator(), new ColoringPropagator()],
      }),
    );
  }
}

function installContextManager(): void {
  const manager = new AsyncLocalStorageContextManager().enable();
  if (context.setGlobalContextManager(manager) && contextWorks()) return;
  processState().ownContextManager = manager;
  warnOnce(
    'COLORWAY_TWO_OPENTELEMETRY_APIS',
    `This process has two copies of @opentelemetry/api: version ${registeredVersion()} registered first, and the one that Colorway uses cannot talk to it. ` +
      'Colors still travel through Colorway, but not through OpenTelemetry instrumentations. ' +
      'Run "npm ls @opentelemetry/api" and bring all packages to one version.',
  );
}

/** OpenTelemetry keeps its globals, with the version that made them, under this symbol (api/src/internal/global-utils.ts). */
function registeredVersion(): string {
  const registered = (globalThis as Record<symbol, unknown>)[Symbol.for('opentelemetry.js.api.1')];
  const version = (registered as { version?: unknown } | undefined)?.version;
  return typeof version === 'string' ? version : 'unknown';
}
