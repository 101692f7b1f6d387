/**
 * Remembers which signatures were seen. Where it is shared by processes, two that are asked of one signature at the same
 * time must not both be told that it is new.
 */
export interface ReplayStore {
  /**
   * Whether it is told of a signature for the first time: at once, or later. One that throws, rejects, or has not answered
   * after 5 s does not know; `whenReplayUnknown` of `serviceAuth` says what follows.
   *
   * @param signature up to 400 characters of what a signer has chosen.
   * @param endsAt in milliseconds since the epoch, by this process's clock: from then on the signature is refused for its time
   *   here, and need not be remembered.
   * @param clockSkewMs for how much longer a store that several processes share remembers it: their clocks may differ by
   *   that.
   */
  isNew(signature: string, endsAt: number, clockSkewMs: number): boolean | Promise<boolean>;
}
