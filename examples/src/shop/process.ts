/** What the shop's processes tell: who served a request, and that they are ready. */
import type { AddressInfo, Server, Socket } from 'node:net';

/** What each service answers: its own part of the way, and the parts behind it. */
export interface Served {
  readonly service: string;
  /** The color of the instance that served, `baseline` for none. */
  readonly color: string;
  readonly port: number;
  readonly next?: unknown;
}

export function served(service: string, socket: Socket, next?: unknown): Served {
  return {
    service,
    color: process.env.COLORING_ENV || 'baseline',
    port: socket.localPort ?? 0,
    ...(next === undefined ? {} : { next }),
  };
}

/** Short where the demo kills an instance and shows what follows; Colorway's default elsewhere. */
export const leaseMs = Number(process.env.LEASE_MS ?? 10_000);

/** Tells the parent that this instance serves and is registered. A process whose parent is gone ends. */
export function reportReady(server: Server): void {
  process.send?.({ port: (server.address() as AddressInfo).port });
  process.on('disconnect', () => process.exit());
}
