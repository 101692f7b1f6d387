import { stringify } from 'node:querystring';
import type { Dispatcher } from 'undici';
import type { ServiceCaller } from './service-caller.js';
import { headerOf, replaced, withHeaders } from './undici-headers.js';

/** The options of a call with the headers that prove who makes it. */
export function signed(
  options: Dispatcher.DispatchOptions,
  caller: ServiceCaller,
  service: string,
): Dispatcher.DispatchOptions {
  const { method, path } = options;
  const query = stringify(options.query ?? {});
  // A generator of headers can be read once.
  const headers = replaced(options.headers, []);
  const signature = caller.signature({
    method,
    authority: headerOf(headers, 'host') ?? service,
    target: query === '' ? path : `${path}?${query}`, // as undici writes it
    header: (name) => headerOf(headers, name),
  });
  return withHeaders(options, replaced(headers, signature));
}
