import { type CarrierNames, ColorwayError, count, quote, warnOnce } from '@colorway/core';
import { setCaller } from '../auth/caller.js';
import type { AuthenticatedRequest, ServiceAuth, Verification } from '../auth/service-auth.js';

const WHY: Readonly<Record<Extract<Verification, { kind: 'refused' }>['reason'], string>> = {
  missing: 'it is not signed',
  malformed: 'its signature cannot be read, or does not cover what it must',
  key: 'its signature is by a key that is not known here',
  time: "its signature is too old, or from the future; compare the clocks, or raise serviceAuth's clockSkewMs",
  signature: 'its signature does not fit',
  receiver:
    "it was signed for another service; list the names under which this one is called in serviceAuth's authorities",
  replay: 'its signature was used already, or has no nonce',
};

/** Notes who has sent a request. Returns why it must not be served, where a signature is required and not there. */
export function authenticate(
  auth: ServiceAuth,
  { headers, wantedHeader }: CarrierNames,
  services: ReadonlySet<string>,
): (request: AuthenticatedRequest) => ColorwayError | undefined {
  const signed = [...headers, wantedHeader];
  return (request) => {
    const verification = auth.verify(request, signed, services);
    if (verification.kind === 'verified') {
      setCaller(request, verification.caller);
      return undefined;
    }
    const { reason } = verification;
    const isRefused = isRequired(auth, request);
    // Who sends none where none is asked for has not failed.
    if (isRefused || reason !== 'missing')
      count('coloring.auth.failed', {
        'coloring.reason': reason,
        'coloring.action': isRefused ? 'refuse' : 'ignore',
      });
    if (!isRefused) return undefined;
    return new ColorwayError(
      'COLORWAY_UNAUTHENTICATED',
      `The request was refused: ${WHY[reason]}. Services of this system sign their calls with the option "auth" of their clients.`,
    );
  };
}

/** A rule that fails lets nobody in. */
function isRequired(auth: ServiceAuth, request: AuthenticatedRequest): boolean {
  try {
    return auth.isRequired(asItCame(request));
  } catch (error) {
    warnOnce(
      'COLORWAY_REQUIRED_FAILED',
      `The required option of serviceAuth threw ${quote(error)}. The request was refused, as one that has to be signed; return true or false instead of throwing.`,
    );
    return true;
  }
}

/** Express cuts `url` where a middleware is mounted: a rule by path is asked about the whole one. */
function asItCame(request: AuthenticatedRequest & { readonly originalUrl?: string }): AuthenticatedRequest {
  const { originalUrl, url } = request;
  if (originalUrl === undefined || originalUrl === url) return request;
  return Object.create(request, { url: { value: originalUrl } }) as AuthenticatedRequest;
}
