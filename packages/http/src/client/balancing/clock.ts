/** Two clocks: durations are measured on one that never jumps, another machine's dates are compared with the other. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Milliseconds since the epoch; jumps whenever somebody sets the machine's clock. */
  wall(): number;
}

export const systemClock: Clock = Object.freeze({ now: () => performance.now(), wall: () => Date.now() });
