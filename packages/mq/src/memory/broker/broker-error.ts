/** The broker's errors that a client can tell apart, with Kafka's own codes. */
const CODES = {
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  INVALID_TOPIC_EXCEPTION: 17,
  ILLEGAL_GENERATION: 22,
  INCONSISTENT_GROUP_PROTOCOL: 23,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_PRODUCER_EPOCH: 47,
  NON_EMPTY_GROUP: 68,
  GROUP_ID_NOT_FOUND: 69,
} as const;

export type BrokerErrorType = keyof typeof CODES;

/** What a broker answers, in the shape of KafkaJS's `KafkaJSProtocolError`: code that looks at `type` finds it here too. */
export class BrokerError extends Error {
  override readonly name: string = 'KafkaJSProtocolError';
  readonly type: BrokerErrorType;
  readonly code: number;
  readonly retriable: boolean;

  constructor(type: BrokerErrorType, message: string) {
    super(message);
    this.type = type;
    this.code = CODES[type];
    this.retriable = type === 'UNKNOWN_TOPIC_OR_PARTITION';
  }
}

/** The type of the broker's error, whoever's copy of the class it is. */
export function errorType(error: unknown): string | undefined {
  const { type } = (error ?? {}) as { type?: unknown };
  return typeof type === 'string' ? type : undefined;
}

/** The member has to join its group again. */
export function isRebalancing(error: unknown): boolean {
  const type = errorType(error);
  return type === 'REBALANCE_IN_PROGRESS' || type === 'ILLEGAL_GENERATION';
}
