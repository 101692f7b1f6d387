import type { ConnectionState } from './connection-state.js';
import type { OpenChannel } from './side-channel.js';

/** A queue that nobody has: names that begin so are the broker's to give. */
const NOWHERE = 'amq.colorway.nowhere';

const known = new WeakMap<object, Promise<string | undefined>>();

/**
 * Which broker a connection leads to: the cluster's name and the virtual host, `rabbit@host/orders`. Queues of the same name on
 * two of them are two queues. `undefined` where the broker does not say. One channel is opened for it, once a connection.
 */
export function brokerIdentity(state: ConnectionState): Promise<string | undefined> {
  const identity = known.get(state) ?? remembered(state);
  known.set(state, identity);
  return identity;
}

async function remembered(state: ConnectionState): Promise<string | undefined> {
  try {
    state.cluster = await state.ask('which broker it is', () => identify(state.open));
    return state.cluster;
  } catch {
    return unanswered(state);
  }
}

/** The connection is gone, and so is what the identity is for; or the broker is slow, and is asked again by whoever asks next. */
function unanswered(state: ConnectionState): undefined {
  known.delete(state);
}

async function identify(open: OpenChannel): Promise<string | undefined> {
  const channel = await open();
  const cluster = clusterName(channel.connection);
  channel.on('error', () => {}); // the refusal below is what is asked for
  const closed = new Promise<never>((_, reject) => {
    // A turn later: the refusal is told first, and is the better answer. Where the connection is lost, nobody answers.
    channel.once('close', () => setImmediate(() => reject(new Error('The channel closed.'))));
  });
  closed.catch(() => {}); // told below
  const refusal = await Promise.race([channel.checkQueue(NOWHERE).then(() => undefined, String), closed]);
  // What a connection was opened with, no client tells; what the broker refuses, it refuses by the virtual host's name.
  const host = refusal && / in vhost '([^']*)'/.exec(refusal)?.[1];
  return host === undefined || cluster === undefined
    ? undefined
    : `${cluster}${host.startsWith('/') ? '' : '/'}${host}`;
}

function clusterName(connection: object): string | undefined {
  const { serverProperties } = connection as { serverProperties?: { cluster_name?: unknown } };
  const name = serverProperties?.cluster_name;
  return typeof name === 'string' && name !== '' ? name : undefined;
}
