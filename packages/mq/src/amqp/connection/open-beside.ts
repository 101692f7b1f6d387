import { ColorwayError } from '@colorway/core';
import type { AmqpChannel } from '../amqp-channel.js';
import type { OpenChannel } from './side-channel.js';

/**
 * Opens a channel with the class of the given one: amqplib's channels know their connection, and offer no other way
 * from there to a second channel (channel_model.js, `createChannel`, 1.x and 2.x).
 */
export function openBeside(channel: AmqpChannel): OpenChannel {
  return async () => {
    const { constructor: channelClass } = channel as { constructor: unknown };
    const beside = isChannelClass(channelClass) ? new channelClass(channel.connection) : undefined;
    if (
      beside === undefined ||
      typeof beside.open !== 'function' ||
      typeof beside.setOptions !== 'function'
    ) {
      throw new ColorwayError(
        'COLORWAY_INVALID_OPTION',
        'This channel offers no way to open a second one on its connection. Give coloredChannel the option ' +
          'openChannel: () => connection.createChannel().',
      );
    }
    beside.setOptions({});
    await beside.open();
    return beside;
  };
}

type OpenableChannel = AmqpChannel & {
  open?: () => Promise<unknown>;
  setOptions?: (options: object) => void;
};

function isChannelClass(value: unknown): value is new (connection: object) => OpenableChannel {
  return typeof value === 'function' && value !== Object;
}
