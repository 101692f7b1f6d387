import type { Coloring } from '@colorway/core';
import type { AmqpChannel } from './amqp-channel.js';
import { ChannelColoring } from './channel/channel-coloring.js';
import { checkChannel } from './check-channel.js';
import { type ColoredChannelOptions, resolveOptions } from './options.js';

const colorings = new WeakMap<object, ChannelColoring>();

/**
 * A channel or confirm channel of amqplib (1.x, 2.x) whose messages carry colors; its methods and types stay amqplib's.
 *
 *     const channel = coloredChannel(coloring, await connection.createConfirmChannel());
 *     await channel.assertQueue('orders');                      // GID_feat-cart_orders in a colored instance
 *     await channel.bindQueue('orders', 'shop', 'order.*');
 *     await channel.consume('orders', async (message) => { ...; channel.ack(message); });
 *
 * `publish` and `sendToQueue` stamp the active color; a handler runs in its message's context; for what `get` returns
 * there is `inMessageContext`. A queue plays a consumer group's part: baseline and colors call it by one name, and
 * each reads its own. Exclusive and server-named queues, and those that `plain` names, belong to one instance and are
 * left alone.
 *
 * Baseline and colored instances may start in any order, and everything is idempotent: after a reconnect, wrap the new
 * channel and do the same again (amqplib 2: in the `setup` of `recovery`; amqplib 1: {@link keepConnected}). The baseline
 * has to use `coloredChannel` too. A queue that was bound before is moved over when the baseline calls `bindQueue`: from
 * then on until its direct binding is gone, two round trips, a message whose color has a consumer already reaches that
 * one and the baseline.
 *
 * A color joins at its first `consume` or `get`, and its environment must exist. When its membership ends, the consumers
 * of the service bring its queue to an end; they begin to read again when it is declared again. While what it left behind
 * is being handled, `consume` resolves, and reads later; `get` resolves to false.
 *
 * `coloring.close()` cancels the consumers and waits for what is in hand; the channel stays open, and is the application's to
 * close. A color's queue and membership stand: closing is not leaving.
 *
 * A color's message that came straight to the baseline's queue, a dead letter by queue name say, is published again, to
 * its color, and acknowledged when the broker has confirmed that.
 *
 * Differences that can be seen: what was sent to a queue in a color has the routing exchange as `fields.exchange`, also in
 * `return` events; a failing `bindQueue` or `consume` rejects and leaves the channel open; `unbindQueue` in a colored
 * instance does nothing (see `withdrawQueue`); the `queue` in an answer is the name that was given; consumer tags that the
 * application does not name are `colorway.<UUID>`. A colored queue is declared with the baseline's arguments.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`; `COLORWAY_CLIENT_UNSUPPORTED` for what is no channel of amqplib's promises;
 * `COLORWAY_STATE_MISSING` for filter mode without a state half. The
 * methods reject, beside amqplib's errors, with `COLORWAY_GROUP_NAME` for a name that is too long or that two queues
 * would share, `COLORWAY_ENVIRONMENT_UNKNOWN` for a colored consumer whose environment does not exist,
 * `COLORWAY_DIRECTORY_FAILED` for one that starts while the directory is away, `COLORWAY_CLOSED` for one that
 * starts after `coloring.close()`, and `COLORWAY_INVALID_OPTION` where a
 * colored consumer has no baseline that routes.
 */
export function coloredChannel<Channel extends AmqpChannel>(
  coloring: Coloring,
  channel: Channel,
  options: ColoredChannelOptions = {},
): Channel {
  checkChannel(channel);
  if (colorings.has(channel)) return channel;
  const own = new ChannelColoring(coloring, channel, resolveOptions(options, coloring.directory));
  const bound = new Map<PropertyKey, unknown>();
  const proxy: Channel = new Proxy(channel, {
    get(target, name) {
      const known = bound.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || name === 'constructor') return value;
      const replaced = own.methods.get(name) ?? ((...args: unknown[]) => Reflect.apply(value, target, args));
      // `on` and its like return the channel, and that is this one.
      const method = (...args: unknown[]) => {
        const result: unknown = replaced(...args);
        return result === target ? proxy : result;
      };
      bound.set(name, method);
      return method;
    },
  });
  colorings.set(proxy, own);
  return proxy;
}

/** The coloring of a channel that `coloredChannel` returned. */
export function coloringOf(channel: object): ChannelColoring | undefined {
  return colorings.get(channel);
}
