export {
  type AcceptPolicy,
  type AskedMessageFlow,
  inMessageContext,
  messageColor,
} from '../message/index.js';
export type { AmqpChannel, AmqpMessage, QueueOptions } from './amqp-channel.js';
export { coloredChannel } from './colored-channel.js';
export {
  type AmqpConnection,
  type KeepConnectedOptions,
  type KeptConnection,
  keepConnected,
} from './connection/keep-connected.js';
export {
  type Withdrawn,
  type WithdrawOptions,
  type WithdrawProgress,
  withdrawQueue,
} from './leaving/withdraw-queue.js';
export type { ModeName } from './mode.js';
export type { ColoredChannelOptions } from './options.js';
