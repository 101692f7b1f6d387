import type { RouteDecision, Routed } from '@colorway/core';

/** By a decision, which stays the same object while the directory tells nothing new of its instances. */
const decided = new WeakMap<Routed, RouteDecision>();

/**
 * A decision for a call whose URL says `https:`: it goes to instances that speak TLS, and to no other. What the caller
 * meant for an encrypted connection never goes out in plain text because a record says so.
 */
export function overTls(decision: RouteDecision): RouteDecision {
  if (decision.kind !== 'colored' && decision.kind !== 'baseline') return decision;
  let secure = decided.get(decision);
  if (secure === undefined) {
    secure = among(decision);
    decided.set(decision, secure);
  }
  return secure;
}

function among(decision: Routed): RouteDecision {
  const { instances, service } = decision;
  const [first, ...rest] = instances.filter(({ secure }) => secure);
  if (first === undefined) return Object.freeze({ kind: 'unavailable', reason: 'not-secure', service });
  if (rest.length + 1 === instances.length) return decision;
  return Object.freeze({ ...decision, instances: Object.freeze([first, ...rest] as const) });
}
