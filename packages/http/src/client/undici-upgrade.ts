import type { EventEmitter } from 'node:events';
import { isColorwayError, runInContext } from '@colorway/core';
import type { Context } from '@opentelemetry/api';
import type { Dispatcher } from 'undici';
import { enterOnEmit } from '../context/enter-on-emit.js';
import type { ServiceCaller } from './service-caller.js';

/**
 * The handler of an upgrade: what comes over its connection is handled where it was asked for, whoever made the
 * connection; and what Colorway refuses is reported where undici's `WebSocket` asks, whose error events say nothing.
 */
export function upgrading(
  handler: Dispatcher.DispatchHandler,
  { origin, upgrade }: Dispatcher.DispatchOptions,
  { coloring }: ServiceCaller,
  context: Context,
): Dispatcher.DispatchHandler {
  const report = (error: unknown) => {
    if (upgrade !== 'websocket' || !isColorwayError(error)) return;
    coloring.reporter.once(
      'COLORWAY_WEBSOCKET_REFUSED',
      `A WebSocket to ${origin} was not opened: ${error.code}: ${error.message}`,
      `${origin} ${error.code}`,
    );
  };
  const within =
    (listener: Listener, at: number): Listener =>
    (...args) => {
      enterOnEmit(args[at] as EventEmitter, context);
      return runInContext(context, () => listener.apply(handler, args));
    };
  return new Proxy(handler, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const listener = value as Listener;
      if (name === 'onUpgrade') return within(listener, 2);
      if (name === 'onRequestUpgrade') return within(listener, 3);
      return (...args: unknown[]) => {
        if (name === 'onError') report(args[0]);
        if (name === 'onResponseError') report(args[1]);
        return listener.apply(target, args);
      };
    },
  });
}

type Listener = (...args: unknown[]) => unknown;
