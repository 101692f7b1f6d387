/** Which consumer group handles a message, and why; `undecided` where that is not settled yet (law 6). */
export type Owner =
  | {
      readonly kind: 'baseline';
      readonly group: string;
      readonly reason: 'no-color' | 'not-joined' | 'before-join' | 'after-leave';
    }
  | { readonly kind: 'colored'; readonly group: string; readonly reason: 'joined' | 'left-behind' }
  | { readonly kind: 'undecided'; readonly reason: UndecidedReason };

/** What the partition waits for before this message can be handled or skipped. */
export type UndecidedReason =
  /** The directory was not read since the partition was assigned. */
  | 'view-not-refreshed'
  | 'join-fence-missing'
  | 'stop-fence-missing'
  | 'leave-fence-missing'
  /** The view has a later fact without the earlier ones that it follows from. */
  | 'view-incomplete'
  /** An entry that this version cannot read. */
  | 'unreadable';

export type OwnerReason = Owner['reason'];

/** From this offset on, until the next segment, messages belong to this owner. */
export interface Segment {
  readonly from: bigint;
  readonly owner: Owner;
}

/** Ascending; the first begins at 0, the last never ends. */
export type Segments = readonly [Segment, ...Segment[]];
