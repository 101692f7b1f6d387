import { ColorwayError } from '@colorway/core';

const NEEDED = [
  'assertQueue',
  'bindQueue',
  'publish',
  'sendToQueue',
  'consume',
  'get',
  'ack',
  'nack',
  'cancel',
];
const PAGE = 'docs/messaging-clients.md says which clients can be wrapped, and how.';
/** `assertQueue(queue, options, callback)`; the one that returns a promise takes two. */
const CALLBACK_ARGUMENTS = 3;

/**
 * What cannot be wrapped is refused at the door, and not by a call that never answers.
 * @throws ColorwayError `COLORWAY_CLIENT_UNSUPPORTED`
 */
export function checkChannel(channel: unknown): void {
  const methods = (typeof channel === 'object' && channel !== null ? channel : {}) as Record<string, unknown>;
  const has = (name: string): boolean => typeof methods[name] === 'function';
  if (has('then')) throw unsupported('coloredChannel was given a promise. Await the channel first.');
  if (has('addSetup')) {
    throw unsupported(
      `coloredChannel was given a ChannelWrapper of amqp-connection-manager, which makes its channels by itself. Wrap the channel that its setup is given: addSetup((channel) => { const colored = coloredChannel(coloring, channel); ... }). ${PAGE}`,
    );
  }
  const lacks = NEEDED.filter((name) => !has(name));
  if (lacks.length > 0) {
    throw unsupported(
      `coloredChannel was given something without ${lacks.map((name) => `${name}()`).join(', ')}. It takes a channel or confirm channel of amqplib. ${PAGE}`,
    );
  }
  if ((methods.assertQueue as (...args: unknown[]) => unknown).length === CALLBACK_ARGUMENTS) {
    throw unsupported(
      `coloredChannel was given a channel of amqplib/callback_api, whose methods return no promises. Use a channel of 'amqplib' (connect and createChannel without callbacks). ${PAGE}`,
    );
  }
}

function unsupported(message: string): ColorwayError {
  return new ColorwayError('COLORWAY_CLIENT_UNSUPPORTED', message);
}
