/*
 * HTTP Message Signatures (RFC 9421), as much as services need among themselves: one signature, labelled
 * `colorway`, by `hmac-sha256`, over derived components and plain header fields.
 */

export const LABEL = 'colorway';
export const SIGNATURE_INPUT = 'signature-input';
export const SIGNATURE = 'signature';

/** What is signed of a request; the same on both sides of the wire. */
export interface Message {
  readonly method: string;
  /** The `Host` header, or `:authority`. */
  readonly authority: string;
  /** Path and query, as on the request line. */
  readonly target: string;
  /** A header's value, several lines joined by a comma; `undefined` where there is none. Names are in lower case. */
  readonly header: (name: string) => string | undefined;
}

/** The components of a signature and its parameters, as far as they are understood. */
export interface SignatureInput {
  readonly components: readonly string[];
  /** In seconds since the epoch. */
  readonly created: number;
  readonly keyId: string;
  /** When it ends, in seconds since the epoch, where the signer says so. */
  readonly expires: number | undefined;
  /** What the signer uses once. */
  readonly nonce: string | undefined;
  /** The inner list with its parameters as it stands in the header: it is signed as it came. */
  readonly text: string;
}

export function formatInput(
  components: readonly string[],
  created: number,
  keyId: string,
  nonce?: string,
): string {
  const list = components.map((name) => `"${name}"`).join(' ');
  const once = nonce === undefined ? '' : `;nonce="${nonce}"`;
  return `(${list});created=${created};keyid="${keyId}";alg="hmac-sha256"${once}`;
}

/** `undefined` for what is malformed, incomplete, or of another algorithm. */
export function parseInput(header: string): SignatureInput | undefined {
  const [, text, list, parameters] = INPUT.exec(header) ?? [];
  if (text === undefined || list === undefined || parameters === undefined) return undefined;
  const components = Array.from(list.matchAll(/"([^"]*)"/g), ([, name]) => name ?? '');
  const read = new Map(Array.from(parameters.matchAll(PARAMETER), ([, name, value]) => [name, value]));
  const created = Number(read.get('created') ?? Number.NaN);
  const keyId = unquoted(read.get('keyid'));
  const expires = read.has('expires') ? Number(read.get('expires')) : undefined;
  const nonce = unquoted(read.get('nonce'));
  if (!Number.isSafeInteger(created) || keyId === undefined) return undefined;
  if (expires !== undefined && !Number.isSafeInteger(expires)) return undefined;
  if (read.has('alg') && unquoted(read.get('alg')) !== 'hmac-sha256') return undefined;
  if (new Set(components).size !== components.length) return undefined;
  return { components, created, keyId, expires, nonce, text };
}

/** The bytes of our signature; `undefined` where there are none. */
export function parseSignature(header: string): Buffer | undefined {
  const [, base64] = SIGNATURE_MEMBER.exec(header) ?? [];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}

/** What is signed (section 2.5); `undefined` for a component that the message lacks, or that is not understood. */
export function signatureBase(
  message: Message,
  components: readonly string[],
  input: string,
): string | undefined {
  let base = '';
  for (const name of components) {
    const value = componentOf(message, name);
    if (value === undefined) return undefined;
    base += `"${name}": ${value}\n`;
  }
  return `${base}"@signature-params": ${input}`;
}

function componentOf({ method, authority, target, header }: Message, name: string): string | undefined {
  const query = target.indexOf('?');
  switch (name) {
    case '@method':
      return method;
    case '@authority':
      return authority.toLowerCase().replace(/:(?:80|443)$/, '');
    case '@path':
      return (query === -1 ? target : target.slice(0, query)) || '/';
    case '@query':
      return query === -1 ? '?' : target.slice(query);
    default:
      return name.startsWith('@') ? undefined : header(name)?.trim();
  }
}

const PARAMETERS = String.raw`(?:;[a-z]+=(?:"[^"\\]*"|\d+))*`;
const INPUT = new RegExp(
  String.raw`(?:^|,)[ \t]*${LABEL}=(\(([a-z0-9@_" -]*)\)(${PARAMETERS}))[ \t]*(?:,|$)`,
);
const PARAMETER = /;([a-z]+)=("[^"\\]*"|\d+)/g;
const SIGNATURE_MEMBER = new RegExp(String.raw`(?:^|,)[ \t]*${LABEL}=:([A-Za-z0-9+/]+={0,2}):[ \t]*(?:,|$)`);

function unquoted(text: string | undefined): string | undefined {
  return text?.startsWith('"') ? text.slice(1, -1) : undefined;
}
