/** Colored channels of amqplib, for RabbitMQ: `coloredChannel(coloring, channel)`. @module */
export {
  type AmqpChannel,
  type AmqpConnection,
  type AmqpMessage,
  type ColoredChannelOptions,
  coloredChannel,
  inMessageContext,
  type KeepConnectedOptions,
  type KeptConnection,
  keepConnected,
  type ModeName,
  messageColor,
  type QueueOptions,
  type Withdrawn,
  type WithdrawOptions,
  type WithdrawProgress,
  withdrawQueue,
} from '@colorway/mq/amqp';
