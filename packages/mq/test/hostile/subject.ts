import type { Coloring } from '@colorway/core';

export interface HostileSubjectOptions {
  readonly url: string;
  readonly coloring: Coloring;
  readonly accept: 'all' | 'none';
  /** Told of each question to the broker: everything but what carries messages, settles them, and keeps a connection. */
  readonly count: (what: string) => void;
  readonly onHostile: () => void;
  readonly onFriendly: () => void;
}

/** Two consumers of the baseline: of a queue or topic that strangers send to, and of another one. */
export interface HostileSubject {
  /** By a client that knows nothing of colors. */
  sendHostile(headers: readonly Record<string, unknown>[]): Promise<void>;
  sendFriendly(count: number): Promise<void>;
  close(): Promise<void>;
}
