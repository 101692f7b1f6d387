import type { Coloring } from '@colorway/core';
import type { OffsetsLike, TopicPartitionOffset } from '../client-types.js';
import { HandedOut } from '../messages/handed-out.js';

type Topics = OffsetsLike['topics'];

/** As much of a group's member as commits need that the application makes beside it. */
export interface CommittingMember {
  /** The group that the application names. */
  readonly baselineGroup: string | undefined;
  /** Its handlers are another consumer's: it drains what a color left. */
  readonly drains: boolean;
  /** Resolves when no commit of the adapter's own is under way in these partitions. */
  quiet(topics: Topics): Promise<void>;
  /** The application committed these, not through this member's consumer. */
  committed(topics: Topics): void;
  /** Nothing of the application's is under way in these any more. */
  goOn(topics: Topics): void;
  commit(offsets: TopicPartitionOffset[]): Promise<void>;
}

interface Group {
  readonly members: Set<CommittingMember>;
  /** How many commits of the application are under way, by topic and partition. */
  readonly open: Map<string, Set<{ readonly until: number }>>;
}

/**
 * What the application commits by itself, in transactions and by hand, with the members of the groups that it
 * touches. A broker takes the commit that comes last: one of ours while a transaction is open would even win over
 * the transaction's, which is written later. So in one partition only one of the two commits at a time.
 */
export class ApplicationCommits {
  readonly #known = new Set<string>();
  readonly #groups = new Map<string, Group>();
  readonly #handedOut = new HandedOut();

  /** A consumer of this group was made through this coloring. */
  know(group: string): void {
    this.#known.add(group);
  }

  knows(group: string): boolean {
    return this.#known.has(group);
  }

  add(brokerGroup: string, member: CommittingMember): () => void {
    const group = this.#group(brokerGroup);
    group.members.add(member);
    return () => {
      group.members.delete(member);
      this.#tidy(brokerGroup);
    };
  }

  /** A handler of `group` gets a message of a colored group that is drained. */
  handOut(
    group: string,
    brokerGroup: string,
    { topic, partition }: { topic: string; partition: number },
    message: bigint,
  ): void {
    this.#handedOut.add(`${group} ${placeOf(topic, partition)}`, message, brokerGroup);
  }

  /** A handler of `group` gets a message of its own. */
  handOutOwn(
    group: string,
    { topic, partition }: { topic: string; partition: number },
    message: bigint,
  ): void {
    if (!this.#handedOut.isEmpty) this.#handedOut.forget(`${group} ${placeOf(topic, partition)}`, message);
  }

  /** The colored group for which a handler of `group` got the message before this offset, if it did. */
  handedOutFor(group: string, topic: string, partition: number, offset: string): string | undefined {
    return this.#handedOut.groupOf(`${group} ${placeOf(topic, partition)}`, offset);
  }

  /** The member that drains in a colored group, for handlers of `group`. */
  drainIn(brokerGroup: string, group: string): CommittingMember | undefined {
    for (const member of this.#groups.get(brokerGroup)?.members ?? []) {
      if (member.drains && member.baselineGroup === group) return member;
    }
    return undefined;
  }

  /**
   * The application is about to commit. Call `end` afterwards; a commit that is given up, as a transaction can
   * be, counts as over after `maxMs`.
   */
  async begin(brokerGroup: string, topics: Topics, maxMs: number): Promise<OpenCommit> {
    const group = this.#group(brokerGroup);
    // Whoever was quiet may have begun again while another one was waited for: few do, and soon.
    const opened = { until: performance.now() + maxMs };
    for (const place of placesOf(topics)) {
      const open = group.open.get(place) ?? new Set();
      group.open.set(place, open.add(opened));
    }
    for (const member of [...group.members]) await member.quiet(topics);
    return {
      end: (landed) => {
        for (const place of placesOf(topics)) {
          const open = group.open.get(place);
          open?.delete(opened);
          if (open?.size === 0) group.open.delete(place);
        }
        for (const member of [...group.members]) {
          if (landed) member.committed(topics);
          member.goOn(topics);
        }
        this.#tidy(brokerGroup);
      },
    };
  }

  /** Whether a commit of the application is under way. */
  isOpen(brokerGroup: string, topic: string, partition: number): boolean {
    const open = this.#groups.get(brokerGroup)?.open.get(placeOf(topic, partition));
    if (open === undefined) return false;
    for (const { until } of open) if (performance.now() < until) return true;
    return false;
  }

  #group(brokerGroup: string): Group {
    let group = this.#groups.get(brokerGroup);
    if (group === undefined) {
      group = { members: new Set(), open: new Map() };
      this.#groups.set(brokerGroup, group);
    }
    return group;
  }

  #tidy(brokerGroup: string): void {
    const group = this.#groups.get(brokerGroup);
    if (group?.members.size === 0 && group.open.size === 0) this.#groups.delete(brokerGroup);
  }
}

export interface OpenCommit {
  /** @param landed whether the broker has it. */
  readonly end: (landed: boolean) => void;
}

function* placesOf(topics: Topics): Iterable<string> {
  for (const { topic, partitions } of topics) {
    for (const { partition } of partitions) yield placeOf(topic, partition);
  }
}

function placeOf(topic: string, partition: number): string {
  return `${partition} ${topic}`;
}

const COMMITS = Symbol.for('colorway.mq.kafka.commits.1');

/** One for each coloring, also where this package is loaded twice. */
export function commitsOf(coloring: Coloring): ApplicationCommits {
  const globals = globalThis as { [COMMITS]?: WeakMap<Coloring, ApplicationCommits> };
  globals[COMMITS] ??= new WeakMap();
  let commits = globals[COMMITS].get(coloring);
  if (commits === undefined) {
    commits = new ApplicationCommits();
    globals[COMMITS].set(coloring, commits);
  }
  return commits;
}
