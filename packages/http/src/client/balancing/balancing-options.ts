import { ColorwayError, quote } from '@colorway/core';
import type { EjectionRules } from './ejection.js';
import type { RetryBudgetRules } from './retry-budget.js';
import type { SlowStart } from './slow-start.js';

/** How calls are spread over the instances that routing has chosen. It never changes their color (law 7). */
export interface BalancingOptions {
  /** Easing in of new instances, by Envoy's formula. */
  readonly slowStart?: {
    /** How long an instance counts as new, from the start that it registered. Default 30,000; 0 turns it off. */
    readonly windowMs?: number;
    /** 1 grows evenly; above 1, faster in the beginning. Default 1. */
    readonly aggression?: number;
    /** The share of its weight that it has at least. Default 0.1. */
    readonly minShare?: number;
  };
  /** Taking out instances that fail again and again: at most half of a set, never the last. */
  readonly ejection?: {
    /** Connection failures, timeouts and answers 502, 503, 504 in a row. Default 5; 0 turns it off. */
    readonly consecutiveFailures?: number;
    /** Out for this long, times how often it was ejected. Default 30,000. */
    readonly baseMs?: number;
    /** Default 300,000. */
    readonly maxMs?: number;
  };
  /** Further attempts after a connection failure. */
  readonly retry?: {
    /** Attempts after the first. Default 2; 0 turns retries off. */
    readonly max?: number;
    /** Retries for each request of a service. Default 0.2. */
    readonly budget?: number;
    /** Retries a second that are always allowed. Default 10. */
    readonly minPerSecond?: number;
  };
}

/** {@link BalancingOptions}, checked and complete. */
export interface Balancing {
  readonly slowStart: SlowStart;
  readonly ejection: EjectionRules;
  readonly retry: { readonly max: number; readonly budget: RetryBudgetRules };
}

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` for a number out of its range. */
export function resolveBalancing({ slowStart, ejection, retry }: BalancingOptions = {}): Balancing {
  return {
    slowStart: {
      windowMs: number('slowStart.windowMs', slowStart?.windowMs ?? 30_000, 0, 86_400_000),
      aggression: number('slowStart.aggression', slowStart?.aggression ?? 1, 0.01, 100),
      minShare: number('slowStart.minShare', slowStart?.minShare ?? 0.1, 0.001, 1),
    },
    ejection: {
      consecutiveFailures: number(
        'ejection.consecutiveFailures',
        ejection?.consecutiveFailures ?? 5,
        0,
        1_000_000,
      ),
      baseMs: number('ejection.baseMs', ejection?.baseMs ?? 30_000, 1, 86_400_000),
      maxMs: number('ejection.maxMs', ejection?.maxMs ?? 300_000, 1, 86_400_000),
      maxShare: 0.5,
    },
    retry: {
      max: number('retry.max', retry?.max ?? 2, 0, 100),
      budget: {
        share: number('retry.budget', retry?.budget ?? 0.2, 0, 100),
        minPerSecond: number('retry.minPerSecond', retry?.minPerSecond ?? 10, 0, 1_000_000),
        ttlMs: 10_000,
      },
    },
  };
}

function number(option: string, value: number, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `balancing.${option}: ${quote(value)} is not a number from ${min} to ${max}.`,
  );
}
