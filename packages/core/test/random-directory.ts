import fc from 'fast-check';
import type { Color, InstanceRecord, ViewStore } from '../src/index.js';
import { membershipKey } from '../src/index.js';

export const SERVICES = ['gateway', 'order', 'stock'] as const;
export const COLORS = ['feat-cart', 'feat-price', 'Feat-cart'] as const;

/** A directory as plain facts, changed step by step; what views are held against. */
export interface Facts {
  readonly instances: Map<string, InstanceRecord>;
  readonly members: Set<string>;
}

export const service = fc.constantFrom(...SERVICES, 'unheard-of');
export const color = fc.constantFrom<Color | undefined>(...COLORS, undefined, 'undeclared');

const record = fc
  .record({
    id: fc.integer({ min: 0, max: 11 }).map((n) => `i${n}`),
    service: fc.constantFrom(...SERVICES),
    port: fc.integer({ min: 3000, max: 3002 }),
    color: fc.constantFrom<Color | undefined>(...COLORS, undefined, undefined),
    startedAt: fc.constantFrom(0, 0, 1, 2),
  })
  .map(
    ({ id, service, port, color, startedAt }): InstanceRecord => ({
      id,
      service,
      host: '10.0.0.1',
      port,
      startedAt,
      metadata: color === undefined ? {} : { COLORING_ENV: color },
    }),
  );

const records = fc.uniqueArray(record, { selector: ({ id }) => id, maxLength: 8 });
const ids = fc.array(
  fc.integer({ min: 0, max: 11 }).map((n) => `i${n}`),
  { maxLength: 4 },
);
const keys = fc.uniqueArray(
  fc
    .tuple(fc.constantFrom(...SERVICES), fc.constantFrom(...COLORS))
    .map(([service, color]) => membershipKey(service, color)),
  { maxLength: 5 },
);

export type Step =
  | { readonly on: 'instances'; readonly kind: 'snapshot'; readonly put: InstanceRecord[] }
  | {
      readonly on: 'instances';
      readonly kind: 'delta';
      readonly put: InstanceRecord[];
      readonly removed: string[];
    }
  | { readonly on: 'members'; readonly kind: 'snapshot'; readonly put: string[] }
  | { readonly on: 'members'; readonly kind: 'delta'; readonly put: string[]; readonly removed: string[] };

const apart =
  <T extends { put: unknown[]; removed: string[] }>(idsOf: (step: T) => string[]) =>
  (step: T): T => ({
    ...step,
    removed: step.removed.filter((id) => !idsOf(step).includes(id)),
  });

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      on: fc.constant('instances' as const),
      kind: fc.constant('snapshot' as const),
      put: records,
    }),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        on: fc.constant('instances' as const),
        kind: fc.constant('delta' as const),
        put: records,
        removed: ids,
      })
      .map(apart(({ put }) => put.map(({ id }) => id))),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      on: fc.constant('members' as const),
      kind: fc.constant('snapshot' as const),
      put: keys,
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        on: fc.constant('members' as const),
        kind: fc.constant('delta' as const),
        put: keys,
        removed: keys,
      })
      .map(apart(({ put }) => put)),
  },
);

export const steps = fc.array(step, { maxLength: 15 });

export function noFacts(): Facts {
  return { instances: new Map(), members: new Set() };
}

export function change(facts: Facts, step: Step): void {
  if (step.on === 'instances') {
    if (step.kind === 'snapshot') facts.instances.clear();
    else for (const id of step.removed) facts.instances.delete(id);
    for (const record of step.put) facts.instances.set(record.id, record);
    return;
  }
  if (step.kind === 'snapshot') facts.members.clear();
  else for (const key of step.removed) facts.members.delete(key);
  for (const key of step.put) facts.members.add(key);
}

export function apply(store: ViewStore, step: Step): void {
  const entry = (key: string) => ({ key, value: '', version: '1' });
  if (step.on === 'instances') {
    if (step.kind === 'snapshot') store.applyInstances({ kind: 'snapshot', instances: step.put });
    else store.applyInstances({ kind: 'delta', put: step.put, removed: step.removed });
  } else if (step.kind === 'snapshot') {
    store.applyMemberships({ kind: 'snapshot', entries: step.put.map(entry) });
  } else {
    store.applyMemberships({ kind: 'delta', put: step.put.map(entry), removed: step.removed });
  }
}

/** Both halves have answered, with nothing in them. */
export function answer(store: ViewStore): void {
  store.applyInstances({ kind: 'snapshot', instances: [] });
  store.applyMemberships({ kind: 'snapshot', entries: [] });
}
