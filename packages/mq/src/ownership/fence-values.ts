import { highest } from './offset.js';

/*
 * Where fences stand. All arguments are the offset of the next message: everything below is behind.
 * The maxima keep the fences of one partition in order: join[1] <= leave[1] <= join[2] <= leave[2] ...
 */

/**
 * Where a color takes over: at the baseline's position, but not before the place where the epoch before
 * gave the color's messages back. The colored group may have been ahead of the baseline then.
 */
export function joinValue(position: bigint, leaveBefore: bigint | undefined): bigint {
  return highest(position, leaveBefore);
}

/** Where the colored group stopped: at its committed position, and nowhere before its own start. */
export function stopValue(position: bigint | undefined, join: bigint): bigint {
  return highest(position, join);
}

/**
 * Where the baseline takes back: at its position, but behind all that the colored group has handled. The
 * join fence counts too: it may be ahead of both, when the epoch ended before it had begun.
 */
export function leaveValue(position: bigint, stop: bigint, join: bigint): bigint {
  return highest(position, stop, join);
}
