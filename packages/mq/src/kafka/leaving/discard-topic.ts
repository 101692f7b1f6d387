import type { Coloring } from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import type { LeaveWork } from '../../leaving/index.js';
import type { KafkaClient } from '../client-types.js';
import type { GroupAdmin } from '../group-admin.js';
import { HandoverReconciler } from '../handover/handover-reconciler.js';
import { mustBeOf } from '../handover/subscription-target.js';
import type { MqRuntime } from '../mq-runtime.js';
import { BackgroundDrains } from './background-drains.js';
import { withdrawTopic } from './withdraw-topic.js';

export interface DiscardSetting {
  readonly coloring: Coloring;
  readonly scope: Scope;
  readonly kafka: KafkaClient;
  readonly admin: GroupAdmin;
  readonly runtime: MqRuntime;
}

/**
 * Gives up what a color left in a topic that no consumer of this process reads: to count needs no handler, so anybody
 * of the service may. Without it a topic that only the color read would wait for its dead consumer for ever.
 */
export async function discardTopic(setting: DiscardSetting, work: LeaveWork): Promise<void> {
  const { coloring, kafka, admin, runtime } = setting;
  const { group, topic } = work.subscription;
  // A subscription of Kafka always names its topic; somebody else's record need not.
  if (topic === undefined) return;
  const scope = setting.scope.child(`discard of ${work.color} in ${group}, topic ${topic}`);
  try {
    mustBeOf(work.subscription.cluster, await admin.clusterId(), group);
    const cluster = await runtime.clusterOf(group, admin);
    const { handover, release } = runtime.useHandover(group, topic, cluster);
    scope.defer(release);
    await handover.refresh();
    const drains = new BackgroundDrains({
      ...{ coloring, scope, kafka, admin, group, topics: new Map([[topic, handover]]), run: {}, config: {} },
      mayDrain: async (color, onLeave) => color === work.color && onLeave === 'discard',
      isAskedFor: () => true,
      onDiscard: (_, { part, messages }) => work.discarding(part, messages),
      onDrained: (color) => reconciler.look(color),
    });
    const reconciler = new HandoverReconciler({
      ...{ scope, runtime, admin, handover, fromBeginning: true },
      drain: (color, onLeave) => drains.want(color, onLeave),
      draining: (color, onLeave) => drains.standing(color, onLeave),
    });
    reconciler.start();
    await withdrawTopic(handover, reconciler, work);
  } finally {
    await scope.dispose();
  }
}
