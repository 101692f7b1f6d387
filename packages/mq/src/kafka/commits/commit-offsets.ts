/*
 * Which offset is committed where the adapter commits by itself. Commits are the application's promise that a
 * message needs no second handling; the adapter must never make that promise for it.
 *
 * Where the client commits by itself (`autoCommit`), a position is a promise already: everything below it was
 * handled. Where the application commits (`autoCommit: false`), the position only says what handlers were given.
 * A proof of ownership (`prove.ts`) then repeats what the application had committed. That is enough: a commit
 * proves by its generation that the partition is this member's, not by its offset. The boundary stays at the
 * position, and no rule of the hand-over needs the committed offset to be there:
 *
 * - Join at `J`, committed `C <= J`. After a crash the baseline begins again at `C`. What the color sent in [C, J)
 *   lies before the join, so it is the baseline's still, and is handled again, as without any color. The color
 *   begins at `J`. Whoever owns the partition next has seen `joining` before it takes a message, and finds the
 *   boundary, or waits and makes one at its own position; the first one stands.
 * - Leave: the color stops at `X`, committed `C <= X`; the boundary is at or behind `X`. What lies in [C, boundary)
 *   is the colored group's still: its consumer may commit it yet, and where it is dead, the drain begins at `C`.
 *   To stop at `C` instead would give the baseline what the color's handlers may be working on.
 * - The next epoch joins at or behind the last leave, wherever the baseline stands.
 */

/** How far a partition is. All are offsets of the next message; `undefined` for not known, or none. */
export interface Progress {
  /** Everything below was handed to a handler, or passed over. */
  readonly position: bigint | undefined;
  readonly committed: bigint | undefined;
  /** The last message that a handler was given, where commits are the application's. */
  readonly lastOwn: bigint | undefined;
}

/** Whether the application was given messages that it has not committed. */
export function owesCommit({ committed, lastOwn }: Progress): boolean {
  return lastOwn !== undefined && (committed ?? 0n) <= lastOwn;
}

/**
 * Where commits are the application's, messages that it never sees would hold the group back for ever. They are
 * committed when nothing of its own is open: a commit behind a message of its own would be its to make.
 * @returns `undefined` for nothing to commit.
 */
export function offsetBehindPassed(progress: Progress): bigint | undefined {
  const { position, committed = 0n } = progress;
  return position === undefined || position <= committed || owesCommit(progress) ? undefined : position;
}

/**
 * What a proof of ownership commits.
 *
 * @param standing what the group has committed at the broker, or where it starts where it has not.
 */
export function offsetOfProof(byHand: boolean, position: bigint, standing: bigint | undefined): bigint {
  return byHand ? (standing ?? position) : position;
}
