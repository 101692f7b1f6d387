import type { Environments } from '@colorway/registry';
import type { ConsumerProcess } from './consumer-process.js';
import type { Message } from './load.js';
import type { OperatorAct } from './schedule.js';

/** What a scenario needs of a broker: a topic or exchange of its own, and consumers for it. */
export interface World {
  readonly broker: 'kafka' | 'rabbitmq';
  /** The consumer's program, and what it is told by its environment. */
  readonly script: string;
  readonly env: Record<string, string>;
  /** After so long the broker gives up a consumer that is not heard of, in milliseconds. */
  readonly timeoutMs: number;
  /** A member that comes or goes in good order has what others hold dealt anew. */
  readonly rebalances: boolean;
  /** Resolves when all are confirmed. */
  send(messages: readonly Message[]): Promise<void>;
  /** Takes a color out, drained. Called again when it failed. */
  leave(color: string, consumers: readonly ConsumerProcess[]): Promise<void>;
  /** What an operator does at the broker, done when it resolves. Rejects for what this broker has not. */
  operate(act: OperatorAct, color: string | undefined): Promise<void>;
  readonly environments: Environments;
  killBroker(): Promise<void>;
  restartBroker(): Promise<void>;
  close(): Promise<void>;
}
