import { type CarrierNames, ColorwayError, count, quote, warnOnce } from '@colorway/core';
import { setCaller } from '../auth/caller.js';
import {
  type ServiceAuth,
  type SettledVerification,
  type Verification,
  wholeUrl,
} from '../auth/service-auth.js';
import type { AuthenticatedRequest } from '../auth/service-auth-options.js';

type Reason = Extract<SettledVerification, { kind: 'refused' }>['reason'];

const WHY: Readonly<Record<Reason, string>> = {
  missing: 'it is not signed',
  malformed: 'its signature cannot be read, or does not cover what it must',
  key: 'its signature is by a key that is not known here',
  time: "its signature is too old, or from the future; compare the clocks, or raise serviceAuth's clockSkewMs",
  signature: 'its signature does not fit',
  receiver:
    "it was signed for another service; list the names under which this one is called in serviceAuth's authorities",
  replay: 'its signature was used already, or has no nonce',
  unknown: 'whether its signature was used already cannot be told now; send it again in a while',
};

/**
 * Notes who has sent a request. Returns why it must not be served, where a signature is required and not there; or a
 * promise, which never rejects, where that is not known yet: ask again when it is settled.
 */
export function authenticate(
  auth: ServiceAuth,
  { headers, wantedHeader }: CarrierNames,
  services: ReadonlySet<string>,
): (request: AuthenticatedRequest) => ColorwayError | Promise<void> | undefined {
  const signed = [...headers, wantedHeader];
  const receiver = { services, wantedHeader };
  const verdicts = verdictsOf(auth, services);
  return (request) => {
    const known = verdicts.get(request);
    const verification = known ?? auth.verify(request, signed, receiver);
    if (verification.kind === 'asking') return settle(request, verification, verdicts);
    const isFirst = known === undefined || untold.delete(request);
    if (known === undefined) verdicts.set(request, verification);
    if (verification.kind === 'verified') {
      setCaller(request, verification.caller);
      return undefined;
    }
    const { reason } = verification;
    const isRefused = isRequired(auth, request);
    // Who sends none where none is asked for has not failed; and who has failed is counted once.
    if (isRefused || (isFirst && reason !== 'missing'))
      count('coloring.auth.failed', {
        'coloring.reason': reason,
        'coloring.action': isRefused ? 'refuse' : 'ignore',
      });
    if (!isRefused) return undefined;
    return new ColorwayError(
      reason === 'unknown' ? 'COLORWAY_REPLAY_UNKNOWN' : 'COLORWAY_UNAUTHENTICATED',
      `The request was refused: ${WHY[reason]}. Services of this system sign their calls with the option "auth" of their clients.`,
    );
  };
}

/** Requests whose verdict came later, and was not looked at yet. */
const untold = new WeakSet<AuthenticatedRequest>();

function settle(
  request: AuthenticatedRequest,
  asking: Extract<Verification, { kind: 'asking' }>,
  verdicts: Verdicts,
): Promise<void> {
  verdicts.set(request, asking);
  return asking.settled.then((verification) => {
    untold.add(request);
    verdicts.set(request, verification);
  });
}

type Verdicts = WeakMap<AuthenticatedRequest, Verification>;

/**
 * A request may pass several middlewares, and one of them twice (`Expect: 100-continue`). Its signature is verified at
 * the first: a nonce is new once, and headers that are signed may be gone afterwards. Another service in the same process,
 * which has names of its own, asks for itself.
 */
const byAuth = new WeakMap<ServiceAuth, WeakMap<ReadonlySet<string>, Verdicts>>();

function verdictsOf(auth: ServiceAuth, services: ReadonlySet<string>): Verdicts {
  const byServices = byAuth.get(auth) ?? new WeakMap<ReadonlySet<string>, Verdicts>();
  byAuth.set(auth, byServices);
  const verdicts: Verdicts = byServices.get(services) ?? new WeakMap();
  byServices.set(services, verdicts);
  return verdicts;
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

/** A rule by path is asked about the whole one. */
function asItCame(request: AuthenticatedRequest): AuthenticatedRequest {
  const url = wholeUrl(request);
  if (url === request.url) return request;
  return Object.create(request, { url: { value: url } }) as AuthenticatedRequest;
}
