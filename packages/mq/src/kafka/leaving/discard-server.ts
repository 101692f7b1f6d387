import type { Coloring } from '@colorway/core';
import { type LeaveWork, leavingOf } from '../../leaving/index.js';
import type { KafkaClient } from '../client-types.js';
import { leaveGroup } from './leave-group.js';

/**
 * Whoever has a client of the broker can end what its service consumed in a color that is to be discarded, though no
 * consumer of it lives anywhere: to give messages up needs no handler. Until the coloring is closed.
 */
export function serveDiscards(coloring: Coloring, kafka: KafkaClient): void {
  if (coloring.scope.isDisposed) return;
  leavingOf(coloring)?.serveDiscards({
    broker: 'kafka',
    leave: (work) => discardByName(coloring, kafka, work),
  });
}

/** Ends one discard by the names of its group and topic. */
export async function discardByName(coloring: Coloring, kafka: KafkaClient, work: LeaveWork): Promise<void> {
  const { color } = work;
  // It ends by itself when another process was faster; half done, it would leave a hidden consumer behind.
  const { signal } = coloring.scope;
  const { group, topic, cluster } = work.subscription;
  if (topic === undefined) return;
  await leaveGroup(coloring, kafka, {
    ...{ group, topics: [topic], color, onLeave: 'discard', signal, cluster },
    onProgress: (step) => {
      if (step.kind === 'left') work.progress({ remaining: step.messages });
    },
  });
}
