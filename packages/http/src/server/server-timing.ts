import type { Trail } from '@colorway/core';
import type { RawResponse } from './raw.js';

const NAME = 'Server-Timing';

/** Adds the trail to the response's `Server-Timing` when its headers are written, behind the application's own entries. */
export function addServerTiming(response: RawResponse, trail: Trail): void {
  const { writeHead } = response;
  response.writeHead = function (this: RawResponse, ...args: unknown[]): unknown {
    return writeHead.apply(this, explained(this, args, trail));
  };
}

function explained(response: RawResponse, args: unknown[], trail: Trail): unknown[] {
  const timing = response.headersSent ? undefined : trail.toServerTiming();
  if (timing === undefined) return args;
  try {
    return withTiming(response, args, timing);
  } catch {
    return args; // an explanation never breaks an answer: it goes out without one
  }
}

/** `writeHead(status, [reason], [headers])`; the headers are an object, a flat list, or a list of pairs. */
function withTiming(response: RawResponse, args: readonly unknown[], timing: string): unknown[] {
  const last = args.length - 1;
  const headers = args[last];
  if (last < 1 || typeof headers !== 'object' || headers === null) {
    response.setHeader(NAME, join(response.getHeader(NAME), timing));
    return [...args];
  }
  return [...args.slice(0, last), Array.isArray(headers) ? addToList(headers) : addToObject(headers)];

  function addToObject(given: object): object {
    const [own, others] = partition(Object.entries(given), ([name]) => isTiming(name));
    return { ...Object.fromEntries(others), [NAME]: joined(own.map(([, value]) => value)) };
  }

  function addToList(given: readonly unknown[]): unknown[] {
    if (Array.isArray(given[0])) {
      const [own, others] = partition(given as [unknown, unknown][], ([name]) => isTiming(name));
      return [...others, [NAME, joined(own.map(([, value]) => value))]];
    }
    const others: unknown[] = [];
    const own: unknown[] = [];
    for (let at = 0; at < given.length; at += 2) {
      if (isTiming(given[at])) own.push(given[at + 1]);
      else others.push(...given.slice(at, at + 2));
    }
    return [...others, NAME, joined(own)];
  }

  // What is given to writeHead replaces what was set before: that is Node's rule.
  function joined(own: readonly unknown[]): string {
    return join(own.length > 0 ? own : response.getHeader(NAME), timing);
  }
}

/** A proxy copies what the called service told, which is in the trail too: those entries are told once. */
function join(own: unknown, timing: string): string {
  if (own === undefined) return timing;
  const told = Array.isArray(own) ? own.flat().join(', ') : String(own);
  const copied = told.split(',').map((entry) => entry.trim());
  const others = timing.split(', ').filter((entry) => {
    const at = copied.indexOf(entry);
    if (at !== -1) copied.splice(at, 1);
    return at === -1;
  });
  return [told, ...others].join(', ');
}

function isTiming(name: unknown): boolean {
  return String(name).toLowerCase() === 'server-timing';
}

function partition<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}
