import type { Coloring } from '@colorway/core';
import type {
  ConsumerClient,
  ConsumerConfigLike,
  KafkaClient,
  RunConfig,
  Subscription,
  TopicPartitionOffset,
} from './client-types.js';
import type { GroupAdmin } from './group-admin.js';
import { overlay } from './overlay.js';
import { WrappedConsumer } from './wrapped-consumer.js';

/** A consumer whose group and messages follow the color of its instance. */
export function wrapConsumer(
  coloring: Coloring,
  kafka: KafkaClient,
  admin: GroupAdmin,
  config: ConsumerConfigLike,
): ConsumerClient {
  const wrapped = new WrappedConsumer(coloring, kafka, admin, config);
  return overlay(wrapped.consumer, {
    subscribe: (subscription: Subscription) => wrapped.subscribe(subscription),
    run: (run?: RunConfig) => wrapped.run(run),
    stop: () => wrapped.stop(),
    disconnect: () => wrapped.disconnect(),
    seek: ({ topic, partition, offset }: { topic: string; partition: number; offset: string }) =>
      wrapped.seek(topic, partition, offset),
    pause: (topics?: []) => wrapped.pauses('pause', topics),
    resume: (topics?: []) => wrapped.pauses('resume', topics),
    paused: () => wrapped.member?.pauses.paused() ?? wrapped.consumer.paused(),
    commitOffsets: (offsets?: TopicPartitionOffset[]) => wrapped.commitOffsets(offsets),
  });
}
