import {
  type CarrierNames,
  foreignHeaders,
  hasBaggageKey,
  JAEGER_BAGGAGE,
  removeBaggageMembers,
} from '@colorway/core';
import type { SecondSources } from './options.js';
import type { RawRequest } from './raw.js';
import { sourceNames } from './second-source.js';

/** What `node:http` and frameworks leave open to be written. */
interface Writable {
  url?: string;
  originalUrl?: string;
  rawHeaders?: string[];
  headersDistinct?: Record<string, string[] | undefined>;
}

/** Takes every flow type out of a request, so that nobody who copies its headers or its URL sends it on. */
export function carrierRemover(
  carriers: CarrierNames,
  sources: SecondSources = {},
): (request: RawRequest) => void {
  const whole = new Set([...carriers.headers, ...foreignHeaders(carriers)]);
  whole.delete(JAEGER_BAGGAGE);
  const { query, cookie } = sourceNames(sources, carriers);

  /** A header's value without any; `undefined` where nothing is left. */
  function cleaned(name: string, value: string): string | undefined {
    if (whole.has(name)) return undefined;
    if (name === 'baggage' || name === JAEGER_BAGGAGE)
      return hasBaggageKey(value, carriers.baggageKeys)
        ? removeBaggageMembers(value, carriers.baggageKeys) || undefined
        : value;
    if (name === 'cookie' && cookie !== undefined) return withoutCookie(value, cookie);
    return value;
  }

  return function remove(request) {
    const headers = request.headers as Record<string, string | string[] | undefined>;
    for (const name of Object.keys(headers)) {
      const value = headers[name];
      if (value === undefined) continue;
      const text = Array.isArray(value) ? value.join(',') : value;
      const rest = cleaned(name, text);
      if (rest === undefined) delete headers[name];
      else if (rest !== text) headers[name] = rest;
    }
    const writable = request as unknown as Writable;
    // Node makes it of as many raw ones as came, when somebody asks for it first.
    const distinct = writable.headersDistinct ?? {};
    for (const [name, values] of Object.entries(distinct)) {
      const kept = (values ?? []).flatMap((value) => cleaned(name, value) ?? []);
      if (kept.length > 0) distinct[name] = kept;
      else delete distinct[name];
    }
    removeRaw(writable.rawHeaders ?? [], cleaned);
    if (query === undefined) return;
    if (writable.url !== undefined) writable.url = withoutParameter(writable.url, query);
    if (typeof writable.originalUrl === 'string')
      writable.originalUrl = withoutParameter(writable.originalUrl, query);
  };
}

function removeRaw(raw: string[], cleaned: (name: string, value: string) => string | undefined): void {
  for (let at = raw.length - 2; at >= 0; at -= 2) {
    const rest = cleaned((raw[at] as string).toLowerCase(), raw[at + 1] as string);
    if (rest === undefined) raw.splice(at, 2);
    else raw[at + 1] = rest;
  }
}

function withoutCookie(header: string, name: string): string | undefined {
  const pairs = header.split(';');
  const kept = pairs.filter((pair) => pair.split('=', 1)[0]?.trim() !== name);
  return kept.length === pairs.length ? header : kept.join(';').trim() || undefined;
}

function withoutParameter(url: string, name: string): string {
  const start = url.indexOf('?');
  if (start === -1) return url;
  const parameters = url.slice(start + 1).split('&');
  const kept = parameters.filter((parameter) => !new URLSearchParams(parameter).has(name));
  if (kept.length === parameters.length) return url;
  return kept.length === 0 ? url.slice(0, start) : `${url.slice(0, start)}?${kept.join('&')}`;
}
