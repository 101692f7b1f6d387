import type { Color } from '@colorway/core';
import type { OffsetsLike } from '../client-types.js';
import type { ApplicationCommits, OpenCommit } from '../commits/application-commits.js';
import { byTopic, flat } from '../commits/commit-by-hand.js';
import { groupNamed, routeOffsets } from './route-offsets.js';

export interface GroupOffsets extends OffsetsLike {
  readonly consumerGroupId: string;
}

/** The offsets of one transaction: for the groups to which they belong, and known to their members when it ends. */
export class TransactionOffsets {
  readonly #commits: ApplicationCommits;
  readonly #color: Color | undefined;
  readonly #maxMs: number;
  readonly #open: OpenCommit[] = [];

  /** @param maxMs after so long the broker ends a transaction by itself. */
  constructor(commits: ApplicationCommits, color: Color | undefined, maxMs: number) {
    this.#commits = commits;
    this.#color = color;
    this.#maxMs = maxMs;
  }

  /** @throws ColorwayError `COLORWAY_GROUP_UNKNOWN`, `COLORWAY_GROUP_NAME` */
  async send(given: GroupOffsets, sendOffsets: (offsets: GroupOffsets) => Promise<void>): Promise<void> {
    const { consumerGroupId, topics } = given ?? {};
    // The client says what is wrong with them.
    if (typeof consumerGroupId !== 'string' || !Array.isArray(topics)) return sendOffsets(given);
    const { group, brokerGroup } = groupNamed(this.#commits, this.#color, consumerGroupId);
    if (topics.length === 0) return sendOffsets({ ...given, consumerGroupId: brokerGroup });
    for (const route of routeOffsets(this.#commits, group, brokerGroup, flat(topics))) {
      const routed = byTopic(route.offsets);
      this.#open.push(await this.#commits.begin(route.brokerGroup, routed, this.#maxMs));
      await sendOffsets({ ...given, consumerGroupId: route.brokerGroup, topics: routed });
    }
  }

  /** Ends the transaction; the members learn of its offsets where it is committed. */
  async end(outcome: 'commit' | 'abort', end: () => Promise<void>): Promise<void> {
    let landed = false;
    try {
      await end();
      landed = outcome === 'commit';
    } finally {
      for (const open of this.#open.splice(0)) open.end(landed);
    }
  }
}
