import { type Coloring, quote } from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import type { GroupMember } from '../messages/group-member.js';
import type { HeldPartition } from '../partitions/held-partition.js';

/** Milliseconds; tests shorten them. */
export const STUCK = { afterMs: 30_000, lookMs: 1_000 };

/** What a member does about a partition that somebody waits for. */
export interface WaitedFor {
  /** The offset of the next message. */
  readonly position: bigint | undefined;
  /** Where it is to read up to; `undefined` where it reads on and on. */
  readonly boundary: bigint | undefined;
  /** For so many milliseconds nothing was read. */
  readonly idleMs: number;
  /** Its fence is due for so many milliseconds, and the generation in which to prove it is not known. */
  readonly owesFenceMs: number | undefined;
  /** The group does not rebalance: what is assigned is its own. */
  readonly isAssigned: boolean;
  readonly isInHand: boolean;
  /** By the application. */
  readonly isPaused: boolean;
  /** Messages may be taken: it waits for nothing that it could name. */
  readonly isOpen: boolean;
}

/** Pure. A member that has all that it needs, and does nothing for so long. Why it does not, only the client knows. */
export function isStuck(waited: WaitedFor, afterMs: number): boolean {
  const { position = -1n, boundary, idleMs, owesFenceMs, isAssigned, isInHand, isPaused, isOpen } = waited;
  if (!isAssigned || isInHand) return false;
  if (owesFenceMs !== undefined && owesFenceMs >= afterMs) return true;
  return boundary !== undefined && position < boundary && isOpen && !isPaused && idleMs >= afterMs;
}

export interface StuckWatchOptions {
  readonly scope: Scope;
  readonly coloring: Coloring;
  /** At the broker. */
  readonly group: string;
  readonly member: () => GroupMember | undefined;
  /** Starts its run again: not the process. */
  readonly startAgain: (why: string) => Promise<void>;
}

/** Starts a consumer again that is stuck where others wait for it. Asks nobody but the member itself. */
export function watchStuck({ scope, coloring, group, member, startAgain }: StuckWatchOptions): void {
  scope.every(STUCK.lookMs, 'watch for what is stuck', async () => {
    const found = member();
    if (found === undefined) return;
    for (const held of found.all()) {
      if (!isStuck(waitedFor(found, held), STUCK.afterMs)) continue;
      const { topic, partition, position, until } = held;
      const place = until === undefined ? 'at its fence' : `at ${position ?? 'its start'}, below ${until}`;
      const why = `Consumer group ${quote(group)} reads nothing in topic ${quote(topic)}, partition ${partition}: it stands ${place}, and nothing is known that it waits for. It is started again.`;
      coloring.reporter.once('COLORWAY_MQ_STUCK', why, `${group} ${topic} ${partition}`);
      await startAgain(why);
      return;
    }
  });
}

function waitedFor({ session, pauses }: GroupMember, held: HeldPartition): WaitedFor {
  const now = performance.now();
  const { topic, partition, position, until, readAt, owesFenceSince, isInHand, open, trouble } = held;
  return {
    ...{ position, boundary: until, isInHand, idleMs: now - readAt },
    owesFenceMs: owesFenceSince === undefined ? undefined : now - owesFenceSince,
    isAssigned: session.isAssigned,
    isPaused: pauses.isPaused(topic, partition),
    isOpen: open && trouble === undefined,
  };
}
