import type { Instance } from './instance.js';

/** What routing says for one call, and why. `instances` is never empty. */
export type RouteDecision =
  | {
      readonly kind: 'colored';
      readonly reason: 'colored';
      readonly service: string;
      readonly instances: Instances;
    }
  | {
      readonly kind: 'baseline';
      readonly reason: 'no-color' | 'not-member';
      readonly service: string;
      readonly instances: Instances;
    }
  | {
      readonly kind: 'unavailable';
      /** `not-secure`: the call has to go over TLS, and no instance that it may go to speaks it. */
      readonly reason: 'member-down' | 'baseline-down' | 'not-secure';
      readonly service: string;
    }
  | {
      readonly kind: 'unknown';
      readonly reason: 'directory-unanswered' | 'service-unknown';
      readonly service: string;
    };

/** A decision that names instances. */
export type Routed = Extract<RouteDecision, { kind: 'colored' | 'baseline' }>;

/** A decision that names none. */
export type Refused = Exclude<RouteDecision, Routed>;

export type RouteReason = RouteDecision['reason'];

type Instances = readonly [Instance, ...Instance[]];
