/*
 * The build takes these in (scripts/build.mjs): as dependencies they bring a peer range that ends below the next minor
 * version of @opentelemetry/api, so that nobody could install Colorway beside an API that is newer than they are. Each
 * from the file that defines it: the packages' indexes draw in all semantic conventions.
 */
export { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks/build/src/AsyncLocalStorageContextManager.js';
export { W3CBaggagePropagator } from '@opentelemetry/core/build/src/baggage/propagation/W3CBaggagePropagator.js';
export { CompositePropagator } from '@opentelemetry/core/build/src/propagation/composite.js';
export { W3CTraceContextPropagator } from '@opentelemetry/core/build/src/trace/W3CTraceContextPropagator.js';
