import type { BrokerPort } from '../broker/broker-port.js';

/** One call, as it travels. */
export interface Call {
  readonly id: number;
  readonly method: keyof BrokerPort;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: WireError };

/** An error without its stack: the fields by which clients tell errors apart. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly type?: string;
  readonly code?: string | number;
  readonly retriable?: boolean;
}

/** What a client may call. As an object, so that a method that the port gets cannot be forgotten here. */
const METHODS: Readonly<Record<keyof BrokerPort, true>> = {
  clusterId: true,
  topics: true,
  partitionCounts: true,
  createTopic: true,
  growTopic: true,
  deleteTopic: true,
  topicId: true,
  produce: true,
  initProducer: true,
  addOffsets: true,
  endTransaction: true,
  fetch: true,
  ends: true,
  messages: true,
  join: true,
  sync: true,
  heartbeat: true,
  leave: true,
  commit: true,
  committed: true,
  groups: true,
  describeGroup: true,
  deleteGroup: true,
};

export const METHOD_NAMES = Object.keys(METHODS) as readonly (keyof BrokerPort)[];

export function isCall(value: unknown): value is Call {
  if (typeof value !== 'object' || value === null) return false;
  const { id, method, args } = value as Partial<Call>;
  return typeof id === 'number' && Object.hasOwn(METHODS, String(method)) && Array.isArray(args);
}

export function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Answer>).id === 'number';
}

export function toWire(error: unknown): WireError {
  const { name, message, type, code, retriable } = error as Partial<WireError>;
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : String(error),
    ...(type !== undefined && { type }),
    ...(code !== undefined && { code }),
    ...(retriable !== undefined && { retriable }),
  };
}

export function fromWire(error: WireError): Error {
  return Object.assign(new Error(error.message), error);
}
