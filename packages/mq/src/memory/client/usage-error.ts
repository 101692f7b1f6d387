/** The client was used wrongly. Shaped as KafkaJS's error, for code that is tested with this client and runs on that one. */
export function usageError(message: string): Error {
  return Object.assign(new Error(message), { name: 'KafkaJSNonRetriableError', retriable: false });
}

/** Why KafkaJS would end the consumer: handlers and brokers are tried again, programming errors are not. */
export function isRetriable(error: unknown): boolean {
  const { name, retriable } = (error ?? {}) as { name?: unknown; retriable?: unknown };
  return retriable !== false && !UNRECOVERABLE.includes(String(name));
}

const UNRECOVERABLE = ['RangeError', 'ReferenceError', 'SyntaxError', 'TypeError'];
