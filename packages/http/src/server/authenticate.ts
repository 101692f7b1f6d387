import { type CarrierNames, ColorwayError, count } from '@colorway/core';
import { setCaller } from '../auth/caller.js';
import type { AuthenticatedRequest, ServiceAuth, Verification } from '../auth/service-auth.js';

const WHY: Readonly<Record<Extract<Verification, { kind: 'refused' }>['reason'], string>> = {
  missing: 'it is not signed',
  malformed: 'its signature cannot be read, or does not cover what it must',
  key: 'its signature is by a key that is not known here',
  time: "its signature is too old, or from the future; compare the clocks, or raise serviceAuth's clockSkewMs",
  signature: 'its signature does not fit',
};

/** Notes who has sent a request. Returns why it must not be served, where a signature is required and not there. */
export function authenticate(
  auth: ServiceAuth,
  { headers, wantedHeader }: CarrierNames,
): (request: AuthenticatedRequest) => ColorwayError | undefined {
  const signed = [...headers, wantedHeader];
  return (request) => {
    const verification = auth.verify(request, signed);
    if (verification.kind === 'verified') {
      setCaller(request, verification.caller);
      return undefined;
    }
    const { reason } = verification;
    const isRefused = auth.isRequired(request);
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
