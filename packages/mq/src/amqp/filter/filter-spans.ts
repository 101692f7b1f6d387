import { type Color, isColor, type StateStore } from '@colorway/core';
import { type EntryChange, unlessAborted, updateEntry } from '@colorway/core/background';

import { isSameBroker } from '../../leaving/index.js';
import { keyPart } from '../key-part.js';

/*
 * Who owns a message where the broker gives it to both (filter mode): a pure function of the message and of spans of
 * time that are written before they count. A span begins and ends `graceMs` after it was written, so that every
 * consumer knows of it in time; it speaks of the time at which a message was published, which both copies carry.
 */

export interface Binding {
  readonly source: string;
  readonly pattern: string;
  readonly args?: unknown;
}

/** A time in which a color's messages are its own; milliseconds since the epoch, `to` included. */
export interface Span {
  readonly from: number;
  readonly to?: number;
  readonly bindings: readonly Binding[];
  /** Which broker; `undefined` where it was not known: then every one. */
  readonly cluster?: string;
}

/** Whether a message is the color's: published in one of its spans, to an exchange that the color's queue was bound to. */
export function isWithin(spans: readonly Span[], exchange: string, sentAt: number | undefined): boolean {
  if (sentAt === undefined) return false;
  return spans.some(
    ({ from, to, bindings }) =>
      sentAt > from &&
      (to === undefined || sentAt <= to) &&
      bindings.some(({ source }) => source === exchange),
  );
}

/** Whether the color is the owner of what is published now. */
export function isOpenNow(spans: readonly Span[]): boolean {
  const now = Date.now();
  return spans.some(({ from, to }) => now > from && (to === undefined || now <= to));
}

/** Ended spans are kept as long as a message may wait: who reads it later must still find its owner. */
const KEPT_MS = 30 * 24 * 3_600_000;

/** The spans of one queue's colors, in the directory. */
export class SpanStore {
  readonly #state: StateStore;
  readonly #prefix: string;
  readonly #cluster: string | undefined;

  /**
   * @param state with a time limit for each call.
   * @param cluster which broker's queue: those of the same name share the entries, and each reads its own spans.
   */
  constructor(state: StateStore, queue: string, cluster?: string) {
    this.#state = state;
    this.#cluster = cluster;
    this.#prefix = `mq-filter/${keyPart(queue)}/`;
  }

  async list(signal?: AbortSignal): Promise<ReadonlyMap<Color, readonly Span[]>> {
    const found = new Map<Color, readonly Span[]>();
    const listing = this.#state.list(this.#prefix);
    for (const { key, value } of await (signal ? unlessAborted(signal, listing) : listing)) {
      const color = key.slice(this.#prefix.length);
      if (isColor(color)) found.set(color, this.#own(parseSpans(value)));
    }
    return found;
  }

  /** Opens a span, or leaves the open one with the same bindings as it is. */
  async open(color: Color, bindings: readonly Binding[], from: number): Promise<void> {
    await this.#change(color, (spans) => {
      const last = spans.at(-1);
      const cluster = this.#cluster === undefined ? {} : { cluster: this.#cluster };
      if (last === undefined) return [{ from, bindings, ...cluster }];
      if (last.to === undefined && sameBindings(last.bindings, bindings)) return undefined;
      const begin = Math.max(from, last.to ?? from);
      return [
        ...spans.slice(0, -1),
        { ...last, to: last.to ?? begin },
        { from: begin, bindings, ...cluster },
      ];
    });
  }

  /** Ends the open span; resolves to the last one. */
  async end(color: Color, to: number, signal?: AbortSignal): Promise<Span | undefined> {
    const ended = (known: readonly Span[]): Span[] | undefined => {
      const last = known.at(-1);
      return last === undefined || last.to !== undefined
        ? undefined
        : [...known.slice(0, -1), { ...last, to }];
    };
    const spans = await this.#change(color, ended, signal);
    return spans.at(-1);
  }

  async #change(
    color: Color,
    change: (spans: readonly Span[]) => Span[] | undefined,
    signal?: AbortSignal,
  ): Promise<readonly Span[]> {
    const { result } = await updateEntry(
      this.#state,
      this.#prefix + color,
      (entry): EntryChange<readonly Span[]> => {
        const all = entry === undefined ? [] : parseSpans(entry.value);
        const spans = this.#own(all);
        const changed = change(spans);
        if (changed === undefined) return { kind: 'keep', result: spans };
        const kept = changed.filter(({ to }) => to === undefined || to > Date.now() - KEPT_MS);
        const others = all.filter((span) => !spans.includes(span));
        return { kind: 'put', value: JSON.stringify([...others, ...kept]), result: kept };
      },
      signal,
    );
    return result;
  }

  #own(spans: readonly Span[]): readonly Span[] {
    return spans.filter(({ cluster }) =>
      isSameBroker(this.#cluster, cluster === undefined ? {} : { cluster }),
    );
  }
}

/** What another version, or somebody else, wrote and we cannot read gives the color nothing: the baseline handles it. */
function parseSpans(value: string): Span[] {
  try {
    const spans: unknown = JSON.parse(value);
    return Array.isArray(spans) ? spans.filter(isSpan) : [];
  } catch {
    return [];
  }
}

function isSpan(value: unknown): value is Span {
  const { from, to, bindings } = Object(value) as Partial<Span>;
  return (
    Number.isFinite(from) &&
    (to === undefined || Number.isFinite(to)) &&
    Array.isArray(bindings) &&
    bindings.every((binding: unknown) => typeof (Object(binding) as Partial<Binding>).source === 'string')
  );
}

function sameBindings(some: readonly Binding[], others: readonly Binding[]): boolean {
  const text = (bindings: readonly Binding[]) =>
    JSON.stringify(bindings.map((binding) => JSON.stringify(binding)).sort());
  return text(some) === text(others);
}
