import { type InstanceRecord, type Routed, route, ViewStore } from '@colorway/core';
import { Attempt, type Outcome } from '../../src/client/attempt.js';
import { Balancer } from '../../src/client/balancing/balancer.js';
import { type BalancingOptions, resolveBalancing } from '../../src/client/balancing/balancing-options.js';
import type { EndpointSet } from '../../src/client/balancing/endpoint-set.js';
import type { Standing } from '../../src/client/balancing/standing.js';

export type TestRecord = Partial<InstanceRecord> & { id: string; color?: string };

/** The wall clock's time in the beginning. */
export const T0 = 1_000_000;

/** A balancer on a clock, a directory and a die of the test's own. */
export class Table {
  now = 0;
  wall = T0;
  readonly closed: string[] = [];
  readonly store = new ViewStore();
  readonly balancer: Balancer<string>;
  #seed: number;

  constructor(options?: BalancingOptions, seed = 1) {
    this.#seed = seed;
    this.store.applyMemberships({ kind: 'snapshot', entries: [] });
    this.store.applyInstances({ kind: 'snapshot', instances: [] });
    this.balancer = new Balancer<string>({
      balancing: resolveBalancing(options),
      open: ({ id }) => `to ${id}`,
      close: (transport) => void this.closed.push(transport),
      clock: { now: () => this.now, wall: () => this.wall },
      random: () => {
        this.#seed = (this.#seed * 16_807) % 2_147_483_647;
        return this.#seed / 2_147_483_647;
      },
    });
  }

  /** What the store knows before the client is told, which is at the end of the turn. */
  tell(...records: readonly TestRecord[]): void {
    const put = records.map(({ color, ...record }) => ({
      service: 'stock',
      host: `${record.id}.example`,
      port: 80,
      startedAt: 0,
      metadata: (color === undefined ? {} : { COLORING_ENV: color }) as Record<string, string>,
      ...record,
    }));
    this.store.applyInstances({ kind: 'delta', put, removed: [] });
  }

  put(...records: readonly TestRecord[]): void {
    this.tell(...records);
    this.balancer.follow(this.store.current());
  }

  remove(...removed: readonly string[]): void {
    this.store.applyInstances({ kind: 'delta', put: [], removed });
    this.balancer.follow(this.store.current());
  }

  set(color?: string) {
    return this.balancer.set(route(color, 'stock', this.store.current()) as Routed, color);
  }

  /** One request of this color, answered or failed at once. */
  call(color: string | undefined, outcome: Outcome, latency = 5): string {
    const set = this.set(color);
    const standing = set.pick(this.now);
    finish(set, standing, outcome, latency, this.now);
    return standing.instance.id;
  }

  /** How often each is picked, when all answer in the same time. */
  shares(count: number, color?: string): Record<string, number> {
    const shares: Record<string, number> = {};
    for (let one = 0; one < count; one++) {
      const { instance } = this.set(color).pick(this.now);
      shares[instance.id] = (shares[instance.id] ?? 0) + 1;
    }
    return shares;
  }
}

/** One request to this endpoint that began some time ago and ends now. */
export function finish(
  set: EndpointSet<string>,
  standing: Standing<string>,
  outcome: Outcome,
  latency: number,
  now: number,
): void {
  const attempt = new Attempt(set, standing, now - latency);
  attempt.judge(outcome, now);
  attempt.end(now);
}
