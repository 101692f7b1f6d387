import { EventEmitter } from 'node:events';
import { type Coloring, colorOf, readIncoming } from '@colorway/core';
import { ADMITTED, WAITING } from './admitted.js';
import type { RawRequest } from './raw.js';

type Emit = (this: EventEmitter, event: string | symbol, ...args: unknown[]) => boolean;
type Connection = EventEmitter & { readonly destroyed?: boolean; readonly writableEnded?: boolean };
type Teller = Pick<Coloring, 'carriers' | 'reporter' | 'service'>;

/** Servers whose upgrades are looked at, whichever copy of this package does it. */
const WATCHED = Symbol.for('colorway.watched-upgrades');

interface Watched {
  /** Whether a middleware that does see them (Fastify's) may run a while after the event. */
  admitsLater: boolean;
}

/**
 * Tells once of a colored upgrade that is served without its color: middlewares see no upgrades, so an application that
 * relies on one alone would serve its WebSockets uncolored without a word.
 *
 * @param admitsLater whether the middleware that asks is one that sees upgrades, perhaps a while after the event
 */
export function watchUpgrades(coloring: Teller, admitsLater = false): (server: unknown) => void {
  return (server) => {
    if (!(server instanceof EventEmitter)) return;
    const holder = server as EventEmitter & { [WATCHED]?: Watched };
    const known = holder[WATCHED];
    if (known !== undefined) {
      known.admitsLater ||= admitsLater;
      return;
    }
    const watched: Watched = { admitsLater };
    holder[WATCHED] = watched;
    const emit = server.emit as Emit;
    server.emit = function (this: EventEmitter, event: string | symbol, ...args: unknown[]) {
      const result = emit.call(this, event, ...args);
      if (event === 'upgrade') served(coloring, args[0] as RawRequest, watched);
      return result;
    };
  };
}

function served(
  coloring: Teller,
  request: RawRequest & { readonly [ADMITTED]?: true; readonly [WAITING]?: boolean },
  { admitsLater }: Watched,
): void {
  if (request[ADMITTED] || request[WAITING]) return;
  const color = colorIn(coloring, request);
  if (color === undefined) return;
  const tell = (): void => {
    if (request[ADMITTED]) return;
    coloring.reporter.once(
      'COLORWAY_UPGRADE_UNCOLORED',
      `A WebSocket of color "${color}" to service "${coloring.service}" is served without its color: middlewares see no upgrades. ` +
        'Wrap the server: coloredServer(coloring, server) of colorway/node.',
    );
  };
  const { socket } = request as { socket?: Connection };
  if (socket === undefined || socket.destroyed || socket.writableEnded) return; // it was refused
  if (admitsLater) socket.once('close', tell);
  else tell();
}

function colorIn({ carriers }: Teller, { headers }: RawRequest): string | undefined {
  const incoming = readIncoming((name) => headers[name], carriers);
  return incoming.kind === 'flow' ? colorOf(incoming.flow) : undefined;
}
