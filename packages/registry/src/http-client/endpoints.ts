import { ColorwayError, quote } from '@colorway/core';

/** One server of several that answer for the same directory. */
export interface Endpoint {
  /** Without a slash at the end: `http://127.0.0.1:8500`. */
  readonly url: string;
}

/**
 * Which endpoint to ask: the one that answered last, until it fails; then the others, those first whose last
 * failure is longest ago.
 */
export class Endpoints {
  readonly #all: readonly Endpoint[];
  readonly #failedAt = new Map<Endpoint, number>();
  #failures = 0;
  #current: Endpoint | undefined;

  /** @throws ColorwayError `COLORWAY_INVALID_OPTION` for a URL that cannot be an endpoint's. */
  constructor(option: string, urls: readonly string[]) {
    if (urls.length === 0) throw invalid(option, 'it is empty. Give at least one URL.');
    this.#all = [...new Set(urls.map((url) => endpointUrl(option, url)))].map((url) => ({ url }));
  }

  get all(): readonly Endpoint[] {
    return this.#all;
  }

  /** All of them, in the order in which to try. */
  order(): readonly Endpoint[] {
    return [...this.#all].sort((a, b) => this.#rank(a) - this.#rank(b));
  }

  answered(endpoint: Endpoint): void {
    this.#current = endpoint;
    this.#failedAt.delete(endpoint);
  }

  failed(endpoint: Endpoint): void {
    if (this.#current === endpoint) this.#current = undefined;
    this.#failedAt.set(endpoint, ++this.#failures);
  }

  #rank(endpoint: Endpoint): number {
    return endpoint === this.#current ? -1 : (this.#failedAt.get(endpoint) ?? 0);
  }
}

function endpointUrl(option: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw invalid(option, `${quote(text)} is no URL. Use one like "http://127.0.0.1:8500".`);
  }
  // Endpoints are named in errors, where a password must not be seen.
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      option,
      `the URL of ${quote(url.host)} holds a user or password. Give them as options of their own.`,
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw invalid(option, `${quote(text)} has a query or fragment. Use one like "http://127.0.0.1:8500".`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function invalid(option: string, why: string): ColorwayError {
  return new ColorwayError('COLORWAY_INVALID_OPTION', `${option}: ${why}`);
}
