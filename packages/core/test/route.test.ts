import fc from 'fast-check';
import { type Color, membershipKey, refusal, route, UNANSWERED_VIEW, ViewStore } from '../src/index.js';
import {
  answer,
  apply,
  change,
  color,
  type Facts,
  noFacts,
  SERVICES,
  service,
  steps,
} from './random-directory.js';

/** The laws, said naively: a walk over all facts, for each question. */
function reference(color: Color | undefined, service: string, facts: Facts, seen: ReadonlySet<string>) {
  if (!seen.has(service)) return { kind: 'unknown', reason: 'service-unknown', ids: [] };
  const all = [...facts.instances.values()].filter((one) => one.service === service);
  const live = all.filter(
    ({ port, startedAt }) => !all.some((other) => other.port === port && other.startedAt > startedAt),
  );
  const of = (wanted: Color | undefined) =>
    live
      .filter(({ metadata }) => metadata.COLORING_ENV === wanted)
      .map(({ id }) => id)
      .sort();
  if (color !== undefined) {
    const colored = of(color);
    if (colored.length > 0) return { kind: 'colored', reason: 'colored', ids: colored };
    if (facts.members.has(membershipKey(service, color)))
      return { kind: 'unavailable', reason: 'member-down', ids: [] };
  }
  const baseline = of(undefined);
  if (baseline.length === 0) return { kind: 'unavailable', reason: 'baseline-down', ids: [] };
  return { kind: 'baseline', reason: color === undefined ? 'no-color' : 'not-member', ids: baseline };
}

it('laws 2, 3, 4 and 6: any directory, any question, as the naive reference answers', () => {
  fc.assert(
    fc.property(
      steps,
      fc.array(fc.tuple(color, service), { minLength: 1, maxLength: 12 }),
      (changes, questions) => {
        const store = new ViewStore();
        const facts = noFacts();
        const seen = new Set<string>();
        answer(store);
        for (const one of changes) {
          apply(store, one);
          change(facts, one);
          for (const { service } of facts.instances.values()) seen.add(service);
          for (const key of facts.members) seen.add(key.slice('CE_'.length, key.lastIndexOf('/')));
          const view = store.current();
          for (const [color, service] of questions) {
            const decision = route(color, service, view);
            const ids = 'instances' in decision ? decision.instances.map(({ id }) => id).sort() : [];
            expect({ kind: decision.kind, reason: decision.reason, ids }).toEqual(
              reference(color, service, facts, seen),
            );
            expect(decision.service).toBe(service);
            // Law 4, without the reference: nobody gets another's instance.
            if (!('instances' in decision)) continue;
            for (const instance of decision.instances) {
              expect(instance.service).toBe(service);
              expect(instance.color).toBe(decision.kind === 'colored' ? color : undefined);
            }
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

describe('law 6: unknown is not a guess', () => {
  it('nothing is decided until both halves have answered', () => {
    const instances = { kind: 'snapshot', instances: [] } as const;
    const memberships = { kind: 'snapshot', entries: [] } as const;
    const store = new ViewStore();
    const unanswered = { kind: 'unknown', reason: 'directory-unanswered', service: 'order' };
    expect(route('red', 'order', UNANSWERED_VIEW)).toEqual(unanswered);
    store.applyInstances(instances);
    expect(route('red', 'order', store.current())).toEqual(unanswered);
    store.applyMemberships(memberships);
    expect(route('red', 'order', store.current())).toMatchObject({ reason: 'service-unknown' });

    const other = new ViewStore();
    other.applyMemberships(memberships);
    expect(route('red', 'order', other.current())).toEqual(unanswered);
  });

  it('a service that was seen once is down, not unknown', () => {
    const store = new ViewStore();
    answer(store);
    store.applyInstances({
      kind: 'snapshot',
      instances: [{ id: 'a', service: 'order', host: 'h', port: 1, metadata: {}, startedAt: 0 }],
    });
    store.applyInstances({ kind: 'snapshot', instances: [] });
    expect(route(undefined, 'order', store.current())).toMatchObject({
      kind: 'unavailable',
      reason: 'baseline-down',
    });
    expect(route(undefined, '__proto__', store.current())).toMatchObject({ reason: 'service-unknown' });
    expect(route('constructor', 'order', store.current())).toMatchObject({ reason: 'baseline-down' });
  });
});

it('every refusal has a code, and a message with the service and what to do', () => {
  for (const [reason, kind, code] of [
    ['member-down', 'unavailable', 'COLORWAY_MEMBER_DOWN'],
    ['baseline-down', 'unavailable', 'COLORWAY_BASELINE_DOWN'],
    ['service-unknown', 'unknown', 'COLORWAY_SERVICE_UNKNOWN'],
    ['directory-unanswered', 'unknown', 'COLORWAY_DIRECTORY_UNANSWERED'],
  ] as const) {
    const error = refusal(
      { kind, reason, service: SERVICES[1] } as Parameters<typeof refusal>[0],
      'feat-cart',
    );
    expect(error.code).toBe(code);
    expect(error.status).toBe(503);
    expect(error.message).toContain('"order"');
  }
});
