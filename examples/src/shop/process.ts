/** What the shop's processes tell: who served a request, who handled a message, and that they are ready. */
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { activeColor, type ColoringService } from 'colorway';

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
  // Whoever listens on the channel to the parent stays alive for it, also after SIGTERM.
  process.channel?.unref();
}

/** A message that was handled. */
export interface Handled {
  readonly order: string;
  /** The color of the instance that handled it, `baseline` for none. */
  readonly by: string;
  /** The consumer group, as the broker knows it. */
  readonly group: string;
  readonly reason: string;
}

/** Tells the parent who handled an order, and why it was this one's. */
export function reportHandled(coloring: ColoringService, order: string): void {
  const [consumer] = coloring.mq.status().consumers;
  const color = activeColor();
  const handled: Handled = {
    order,
    by: coloring.color ?? 'baseline',
    group: consumer?.brokerGroup ?? '',
    reason: color === undefined ? 'no-color' : (consumer?.reasons[color] ?? 'routed by the broker'),
  };
  process.send?.({ handled });
}

/** Until the consumer runs; a colored one, until the baseline has handed its messages over. */
export async function takenOver(coloring: ColoringService): Promise<void> {
  for (;;) {
    const { consumers, handovers } = coloring.mq.status();
    const runs = consumers.length > 0 && consumers.every(({ phase }) => phase === 'running');
    const owns = handovers.some(
      ({ color, state }) => color === coloring.color && (state === 'active' || state === 'joined'),
    );
    if (runs && (owns || coloring.color === undefined)) return;
    await sleep(20);
  }
}
