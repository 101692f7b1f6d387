import type { ColorwayError } from '@colorway/core';
import type { Context } from '@opentelemetry/api';

/**
 * What an adapter does with a request: goes on as it is, goes on in a context, hands an error to its framework, or, where
 * the request is meant for another instance, answers by itself and tells nobody.
 */
export type Admission =
  | SettledAdmission
  /** Nobody can say before a store has answered. Never rejects. */
  | { readonly kind: 'wait'; readonly settled: Promise<SettledAdmission> };

export type SettledAdmission =
  | { readonly kind: 'pass' }
  | { readonly kind: 'enter'; readonly context: Context }
  | { readonly kind: 'refuse'; readonly error: ColorwayError }
  | { readonly kind: 'misdirected'; readonly error: ColorwayError };
