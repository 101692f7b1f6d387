/** Messages of one partition that are about to be given up. */
export interface Discarded {
  readonly topic: string;
  readonly partition: number;
  /** The partition, and where in it the counting began. */
  readonly part: string;
  /** So many of that part in all, of which so many are new. */
  readonly messages: number;
  readonly more: number;
}
