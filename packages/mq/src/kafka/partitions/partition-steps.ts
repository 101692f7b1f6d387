import type { Color } from '@colorway/core';
import type { Owner } from '../../ownership/owner.js';
import type { EachBatchPayloadLike } from '../client-types.js';
import type { Verdict } from '../messages/verdict.js';
import type { HeldPartition } from './held-partition.js';

/** The part of a consumer that differs between the baseline and a color. */
export interface PartitionSteps {
  /** Of the colored group; `undefined` for the baseline. */
  readonly color: Color | undefined;
  /** A partition was assigned. */
  assigned(held: HeldPartition): void;
  /** Whether a batch begins where the group's start is. False: it is not to be touched, and comes again from there. */
  begins?(held: HeldPartition, batch: EachBatchPayloadLike['batch']): Promise<boolean>;
  /** The colors that may have steps in the partition; `undefined` for those that belong to none. */
  colors(held: HeldPartition): Iterable<Color | undefined>;
  /** Takes the steps of one of these until there is nothing to do but wait. A rejection: try again a little later. */
  advance(held: HeldPartition, color: Color | undefined): Promise<void>;
  /** Whose message this is. Synchronous, because it is asked for each message. */
  verdict(held: HeldPartition, color: Color | undefined, offset: string): Verdict;
  /** The owner, for a message whose owner was undecided. */
  owner(held: HeldPartition, color: Color, offset: bigint): Owner;
}

/** A step could not be taken now: the commit was not accepted (`cause`, where the client told why), or nobody can tell. */
export class NotNow extends Error {}
