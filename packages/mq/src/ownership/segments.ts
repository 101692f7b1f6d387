import type { EpochFences } from './fences.js';
import type { Unreadable } from './handover-codec.js';
import { firstOpenEpoch, type Handover, type HandoverMark } from './handover-state.js';
import { highest } from './offset.js';
import type { Owner, Segment, Segments, UndecidedReason } from './ownership.js';
import type { PastInterval } from './past.js';

/** The owners that segments of one color can name. Each is one object, so that a decision allocates nothing. */
export interface Owners {
  readonly notJoined: Owner;
  readonly beforeJoin: Owner;
  readonly afterLeave: Owner;
  readonly joined: Owner;
  readonly leftBehind: Owner;
}

const UNDECIDED = new Map<UndecidedReason, Owner>();

export function undecided(reason: UndecidedReason): Owner {
  let found = UNDECIDED.get(reason);
  if (found === undefined) {
    found = Object.freeze({ kind: 'undecided', reason });
    UNDECIDED.set(reason, found);
  }
  return found;
}

/** Looks from the end: what is read now lies behind the last fence. */
export function ownerAt(segments: Segments, offset: bigint): Owner {
  for (let at = segments.length - 1; at > 0; at--) {
    const segment = segments[at] as Segment;
    if (offset >= segment.from) return segment.owner;
  }
  return segments[0].owner;
}

/** What is known of one color in one partition. */
export interface Knowledge {
  readonly handover: Handover | Unreadable;
  /** The state in the last linearizable read: every fence that was written before that state is known. */
  readonly completeTo: HandoverMark;
  /** The first epoch whose fences count: what came before stands in `past`. */
  readonly since: number;
  readonly past: readonly PastInterval[];
  /** What is known of the fences from `since` on, in ascending order. */
  readonly epochs: readonly EpochFences[];
  /** A watch told something that has to be asked about: nothing is decided meanwhile. */
  readonly doubtful: boolean;
}

/** The owners along one partition, for one color. */
export function compileSegments(knowledge: Knowledge, owners: Owners): Segments {
  const { handover, completeTo, since, past, epochs, doubtful } = knowledge;
  if (doubtful) return [{ from: 0n, owner: undecided('view-incomplete') }];
  const line = new Line(epochs.length === 0 && past.length === 0 ? owners.notJoined : owners.beforeJoin);
  for (const { join, leave } of past) {
    line.add(join, owners.leftBehind);
    line.add(leave, owners.afterLeave);
  }
  let expected = Math.max(since, firstOpenEpoch(completeTo));
  for (const fences of epochs) {
    if (expected < fences.epoch) line.add(line.end, undecided('view-incomplete'));
    epochAlong(line, handover, fences, owners);
    expected = Math.max(expected, fences.epoch + 1);
  }
  if (handover.kind === 'unreadable') line.add(line.end, undecided('unreadable'));
  else if (expected < firstOpenEpoch(handover)) line.add(line.end, undecided('view-incomplete'));
  else if (
    awaitsJoin(handover) &&
    !epochs.some(({ epoch, join }) => epoch >= handover.epoch && join !== undefined)
  ) {
    line.add(line.end, undecided('join-fence-missing'));
  }
  return line.segments;
}

/**
 * Whether both fences are known of every epoch that is over. Each key of a watch may come at its own time;
 * a fence that is missing after a read begun in a later state was never made: the partition is newer.
 */
export function isComplete({ handover, completeTo, since, epochs, doubtful }: Knowledge): boolean {
  if (doubtful) return false;
  if (handover.kind === 'unreadable') return true;
  const open = firstOpenEpoch(handover);
  const first = Math.max(since, firstOpenEpoch(completeTo));
  if (open - first > epochs.length) return false;
  for (let epoch = first; epoch < open; epoch++) {
    const fences = epochs.find((known) => known.epoch === epoch);
    if (fences?.join === undefined || fences.leave === undefined) return false;
  }
  return true;
}

function epochAlong(line: Line, handover: Handover | Unreadable, fences: EpochFences, owners: Owners): void {
  const { join, stop, leave } = fences;
  if (fences.unreadable.length > 0) {
    line.add(line.end, undecided('unreadable'));
  } else if (join === undefined) {
    if (leave !== undefined || stop !== undefined) line.add(line.end, undecided('view-incomplete'));
    if (leave !== undefined) line.add(leave, owners.afterLeave);
  } else if (leave !== undefined) {
    line.add(join, owners.leftBehind);
    line.add(leave, owners.afterLeave);
  } else {
    line.add(join, owners.joined);
    const waits = openEnd(handover, fences);
    if (waits !== undefined) line.add(highest(join, stop), undecided(waits));
  }
}

/** What is waited for behind the stop fence, or the join fence, of an epoch without a leave fence. */
function openEnd(handover: Handover | Unreadable, { epoch, stop }: EpochFences): UndecidedReason | undefined {
  if (handover.kind === 'unreadable' || handover.epoch < epoch) return undefined;
  if (epoch < firstOpenEpoch(handover)) return 'view-incomplete';
  if (stop !== undefined) return 'leave-fence-missing';
  return handover.kind === 'leaving' ? 'stop-fence-missing' : undefined;
}

function awaitsJoin({ kind }: Handover): boolean {
  return kind === 'joining' || kind === 'active' || kind === 'leaving';
}

/** Segments while they are laid down from left to right. A later one never begins before an earlier one. */
class Line {
  readonly segments: [Segment, ...Segment[]];

  constructor(first: Owner) {
    this.segments = [{ from: 0n, owner: first }];
  }

  get end(): bigint {
    return (this.segments.at(-1) as Segment).from;
  }

  add(from: bigint, owner: Owner): void {
    const start = highest(from, this.end);
    if (start === this.end) this.segments.pop();
    this.segments.push({ from: start, owner });
  }
}
