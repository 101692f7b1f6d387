import type { Directory } from '@colorway/core';
import { Scope } from '@colorway/core/background';
import { Watches } from '../watches.js';
import { EtcdClient } from './etcd-client.js';
import { EtcdInstances } from './etcd-instances.js';
import { EtcdState } from './etcd-state.js';
import { type EtcdDirectoryOptions, resolveOptions } from './options.js';

/**
 * A directory in etcd 3.4 or newer, over the JSON gateway of its client port. Needs `undici`.
 *
 * An instance is the key `<prefix>instances/<id>` under a lease, with a JSON object as its value: `service`,
 * `host`, `port`, and optionally `secure`, `weight`, `metadata`, `startedAt`. Whoever writes such keys, in any
 * language, is routed to. A lease is rounded up to whole seconds, and to etcd's own minimum (2 s by default).
 *
 * State is `<prefix>state/<key>`; reads are linearizable, and every change is one transaction.
 *
 * Nothing is connected before it is used. What fails does so with `COLORWAY_DIRECTORY_FAILED`, which names the
 * endpoint and the cause, and with `COLORWAY_CLOSED` after `close()`. A call that etcd refuses for its token
 * logs in and is made once more. Either half may go into `composeDirectory`.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function etcdDirectory(options: EtcdDirectoryOptions = {}): Required<Directory> {
  const resolved = resolveOptions(options);
  const { prefix, checkMs } = resolved;
  const client = new EtcdClient(resolved);
  const watches = new Watches(new Scope('etcd directory'));
  return {
    instances: new EtcdInstances(client, `${prefix}instances/`, watches, resolved),
    state: new EtcdState(client, `${prefix}state/`, watches, checkMs),
    close: async () => {
      const ended = watches.close();
      await client.close();
      await ended;
    },
  };
}
