import type { Directory } from '@colorway/core';
import { Scope } from '@colorway/core/background';
import { Watches } from '../watches.js';
import { ConsulClient } from './consul-client.js';
import { ConsulInstances } from './consul-instances.js';
import { ConsulState } from './consul-state.js';
import { type ConsulDirectoryOptions, resolveOptions } from './options.js';

/**
 * A directory in Consul 1.8 or newer. Needs `undici`.
 *
 * An instance is a service of the agent, with its metadata (`COLORING_ENV`, ...) as `Meta` and a TTL check that
 * is its lease; every service that others have registered, in any language, is routed to as well. Alive is what
 * has no critical check. State is in the key-value store, below the prefix; reads are `?consistent`, and every
 * change is a transaction.
 *
 * Nothing is connected before it is used. What fails does so with `COLORWAY_DIRECTORY_FAILED`, which names the
 * endpoint and the cause, and with `COLORWAY_CLOSED` after `close()`. Either half may go into
 * `composeDirectory`.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function consulDirectory(options: ConsulDirectoryOptions = {}): Required<Directory> {
  const resolved = resolveOptions(options);
  const client = new ConsulClient(resolved);
  const watches = new Watches(new Scope('Consul directory'));
  return {
    instances: new ConsulInstances(client, resolved, watches),
    state: new ConsulState(client, resolved.prefix, watches, resolved.waitMs),
    close: async () => {
      const ended = watches.close();
      await client.close();
      await ended;
    },
  };
}
