import { type Context, createContextKey } from '@opentelemetry/api';
import { activeContext } from './active-context.js';
import type { DecisionEvent } from './decision-event.js';
import { LayeredContext } from './layered-context.js';

/**
 * The way that one request took, gathered while it is served: a `Server-Timing` entry for each decision,
 * with what the called services told of theirs. Bounded, because a response header is.
 */
export class Trail {
  readonly #entries: string[] = [];
  readonly #onStale: ((event: DecisionEvent) => void) | undefined;
  #length = 0;
  #answeredAt: number | undefined;

  /** @param onStale told of calls that are made more than a minute after {@link Trail.end}: their color has probably stuck. */
  constructor(onStale?: (event: DecisionEvent) => void) {
    this.#onStale = onStale;
  }

  add(event: DecisionEvent): void {
    if (this.#answeredAt === undefined) this.#push(formatEntry(event));
    else if (performance.now() - this.#answeredAt > STALE_MS) this.#onStale?.(event);
  }

  /** Says that the response is sent, or broken off. */
  end(): void {
    this.#answeredAt ??= performance.now();
  }

  /** Takes over what a called service told of its own calls; other `Server-Timing` entries are left out. */
  addHeader(serverTiming: string): void {
    for (const entry of serverTiming.slice(0, MAX_HEADER_LENGTH).split(',')) {
      const text = entry.trim();
      if (ENTRY.test(text)) this.#push(text);
    }
  }

  /** The header's value; `undefined` for an empty way. */
  toServerTiming(): string | undefined {
    return this.#entries.length === 0 ? undefined : this.#entries.join(SEPARATOR);
  }

  /** What does not fit any more is left out, as a whole. */
  #push(entry: string): void {
    const length = this.#length + entry.length + (this.#entries.length === 0 ? 0 : SEPARATOR.length);
    if (this.#entries.length >= MAX_ENTRIES || length > MAX_TOLD_LENGTH) return;
    this.#entries.push(entry);
    this.#length = length;
  }
}

/** Longer than work that a request leaves behind on purpose usually takes. */
const STALE_MS = 60_000;
const MAX_ENTRIES = 32;
const MAX_HEADER_LENGTH = 8_192;
/** Of what is told, in characters: proxies refuse a response whose headers have 4,096 in all. */
const MAX_TOLD_LENGTH = 2_048;
const SEPARATOR = ', ';
const REASONS =
  'colored|no-color|not-member|member-down|baseline-down|not-secure|directory-unanswered|service-unknown';
const ENTRY = new RegExp(
  `^[\\w.!#$%&'*+^\`|~-]{1,128};desc="[\\w.:[\\]-]{1,80} [\\w.:[\\]%-]{1,260} (?:${REASONS})"$`,
);
const NOT_TOKEN = /[^\w.!#$%&'*+^`|~-]/g;
const NOT_ADDRESS = /[^\w.:[\]%-]/g;

/** `order;desc="feat-cart 10.0.0.7:3001 colored"`; `-` where there is no color or no instance. */
export function formatEntry({ service, color, instance, reason }: DecisionEvent): string {
  const address =
    instance === undefined ? '-' : `${instance.host}:${instance.port}`.replace(NOT_ADDRESS, '_');
  return `${service.replace(NOT_TOKEN, '_')};desc="${color ?? '-'} ${address} ${reason}"`;
}

const TRAIL = createContextKey('colorway.trail');

export function withTrail(context: Context, trail: Trail): Context {
  return new LayeredContext(context, TRAIL, trail);
}

/** The trail of the request that is being served, if there is one: of colored requests, and of those whose response will show it. */
export function activeTrail(): Trail | undefined {
  return trailIn(activeContext());
}

export function trailIn(context: Context): Trail | undefined {
  return context.getValue(TRAIL) as Trail | undefined;
}
