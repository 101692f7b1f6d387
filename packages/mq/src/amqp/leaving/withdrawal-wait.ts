import {
  type LeaveWait,
  type Subscription,
  waitsForConsumer,
  waitsForDrain,
  waitsForHandler,
  waitsForHanging,
} from '@colorway/core';

/** What is seen of a color's queue that is brought to its end. */
export interface QueueLook {
  /** Messages that nobody has in hand. */
  readonly ready: number;
  /** At the broker, of all processes; what a process has in hand counts as one. */
  readonly consumers: number;
  /** Of those, this process's own. */
  readonly ours: number;
  /** Messages that this process has in hand. */
  readonly held: number;
  /** How many messages its handlers gave back one after the other, and handled none. */
  readonly givenBack: number;
  /** For so many milliseconds nothing has become less. */
  readonly stuckMs: number;
}

export type Whose = Pick<Subscription, 'service' | 'color' | 'broker' | 'group' | 'onLeave'>;

const MANY = 3;
const LONG_MS = 10_000;

/** What the end of a color's queue waits for, and what to do about it. */
export function withdrawalWait(whose: Whose, name: string, look: QueueLook): LeaveWait {
  const { ready, consumers, ours, held, givenBack, stuckMs } = look;
  if (givenBack >= MANY)
    return waitsForHandler(
      whose,
      `messages of ${name} were given back ${round(givenBack)} times, and none was handled`,
    );
  if (ready > 0 && consumers === 0) return waitsForConsumer(whose);
  if (consumers <= ours && ready + held === 0) return { waitingFor: undefined };
  return stuckMs < LONG_MS ? waitsForDrain(name) : waitsForHanging(whose, name, round(stuckMs / 1_000));
}

/** Rounded down to a power of two, so that what people read does not change all the time. */
function round(n: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, n)));
}
