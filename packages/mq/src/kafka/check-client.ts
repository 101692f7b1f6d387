import { ColorwayError } from '@colorway/core';

const PAGE = 'docs/messaging-clients.md says which clients can be wrapped, and how.';

/**
 * What cannot be wrapped is refused at the door, and not at the first message.
 * @throws ColorwayError `COLORWAY_CLIENT_UNSUPPORTED`
 */
export function checkClient(kafka: unknown): void {
  if (isPromise(kafka)) throw unsupported('coloredKafka was given a promise. Await the client first.');
  const lacks = ['producer', 'consumer', 'admin'].filter((name) => !hasMethod(kafka, name));
  if (lacks.length === 0) return;
  throw unsupported(
    `coloredKafka was given something without ${lacks.map((name) => `${name}()`).join(', ')}. It takes a Kafka of kafkajs 2, or what does as that does; clients of node-rdkafka and @platformatic/kafka have another shape. ${PAGE}`,
  );
}

/** @throws ColorwayError `COLORWAY_CLIENT_UNSUPPORTED` for the configuration of a client that calls into librdkafka. */
export function checkConsumerConfig(config: unknown): void {
  if (typeof config !== 'object' || config === null || !('kafkaJS' in config)) return;
  throw unsupported(
    `A consumer of @confluentinc/kafka-javascript tells neither of its group's generations nor of its commits, which the hand-over of messages between baseline and colors needs. Use kafkajs 2 for consumers; producers of this client can be wrapped. ${PAGE}`,
  );
}

function isPromise(value: unknown): boolean {
  return hasMethod(value, 'then');
}

function hasMethod(value: unknown, name: string): boolean {
  const carries = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return carries && typeof (value as Record<string, unknown>)[name] === 'function';
}

function unsupported(message: string): ColorwayError {
  return new ColorwayError('COLORWAY_CLIENT_UNSUPPORTED', message);
}
