import type { EventEmitter } from 'node:events';
import { type Coloring, ColorwayError, count, formatWanted, parseWanted } from '@colorway/core';
import { guardServer } from './guard-server.js';
import { hasHeadersObject } from './header-glance.js';
import type { RawRequest } from './raw.js';
import { watchUpgrades } from './unseen-upgrades.js';

type Misdirection = (request: RawRequest) => ColorwayError | undefined;

interface Known {
  readonly services: Set<string>;
  readonly isMisdirected: Misdirection;
  readonly guarded: WeakSet<EventEmitter>;
  guards: boolean;
}

/** All middlewares of one coloring answer for the same services, whichever of them a request passes. */
const byColoring = new WeakMap<object, Known>();

/**
 * Whether a request must go to another instance: it wants one of another service, or of another color, or it is an upgrade
 * and this one is going away. Returns the error to answer with. A request that says nothing, or nothing that can be read,
 * is served as it comes.
 *
 * @param alsoServes further services that this instance answers for.
 */
export function misdirection(coloring: Coloring, alsoServes: readonly string[] = []): Misdirection {
  const { services, isMisdirected } = knownOf(coloring);
  for (const service of alsoServes) services.add(service.toLowerCase());
  return isMisdirected;
}

/** The services that this instance answers for, in lower case; `alsoServes` of later middlewares adds to them. */
export function servicesOf(coloring: Coloring): ReadonlySet<string> {
  return knownOf(coloring).services;
}

/** Has the servers that the coloring registers ask the same of what no middleware sees in time. */
export function guardRegisteredServers(coloring: Coloring): void {
  const known = knownOf(coloring);
  if (known.guards) return;
  known.guards = true;
  const watch = watchUpgrades(coloring);
  coloring.servers.each((server) => {
    guard(coloring, server);
    watch(server);
  });
}

/** The same for a server that is known before it is registered. */
export function guard(coloring: Coloring, server: EventEmitter): void {
  const { guarded, isMisdirected } = knownOf(coloring);
  if (guarded.has(server)) return;
  guarded.add(server);
  guardServer(server, isMisdirected);
}

function knownOf(coloring: Coloring): Known {
  let known = byColoring.get(coloring);
  if (known === undefined) {
    const services = new Set([coloring.service.toLowerCase()]);
    known = {
      services,
      isMisdirected: check(coloring, services),
      guarded: new WeakSet(),
      guards: false,
    };
    byColoring.set(coloring, known);
  }
  return known;
}

function check(coloring: Coloring, services: ReadonlySet<string>): Misdirection {
  const { service, color, carriers } = coloring;
  const { wantedHeader } = carriers;
  const usual = formatWanted(service, color);
  return function isMisdirected(request) {
    const value = onlyValue(request, wantedHeader);
    if (value === undefined) return undefined;
    if (value === usual) return goingAway(request);
    const wanted = parseWanted(value);
    if (wanted === undefined) return undefined;
    if (services.has(wanted.service) && wanted.color === color) return goingAway(request);
    count('coloring.misdirected');
    return new ColorwayError(
      'COLORWAY_MISDIRECTED',
      `The request wants ${nameOf(wanted.service, wanted.color)}, and this is ${nameOf(service, color)}: the address is used by another instance now. Nothing was done.`,
    );
  };

  /** A connection that is opened now would end at once. Its caller routes (it says whom it wants), and has others to ask. */
  function goingAway({ upgrade }: RawRequest): ColorwayError | undefined {
    if (upgrade !== true || !coloring.isClosing) return undefined;
    return new ColorwayError(
      'COLORWAY_CLOSED',
      `${nameOf(service, color)} is going away, and opens no connections any more. Nothing was done.`,
    );
  }
}

/** Out of the list as it came, as long as nobody has asked for the object, which costs more than all else here. */
function onlyValue(request: RawRequest, header: string): unknown {
  const { rawHeaders } = request;
  if (rawHeaders === undefined || hasHeadersObject(request)) return request.headers[header];
  let found: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length !== header.length || name.toLowerCase() !== header) continue;
    if (found !== undefined) return undefined; // twice is malformed, as it is where Node has joined the lines
    found = rawHeaders[at + 1];
  }
  return found;
}

function nameOf(service: string, color: string | undefined): string {
  return color === undefined ? `the baseline of "${service}"` : `"${service}" of color "${color}"`;
}
