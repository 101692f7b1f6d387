import type { Coloring } from '@colorway/core';
import { checkClient, checkConsumerConfig } from './check-client.js';
import type { AdminClient, ConsumerConfigLike, KafkaClient, ProducerClient } from './client-types.js';
import { commitsOf } from './commits/application-commits.js';
import { wrapConsumer } from './consumer/colored-consumer.js';
import { GroupAdmin } from './group-admin.js';
import { serveDiscards } from './leaving/discard-server.js';
import { type ColoredKafkaOptions, kafkaPolicy } from './options.js';
import { overlay } from './overlay.js';
import { coloredProducerConfig, wrapProducer } from './producer/wrap-producer.js';

/**
 * The same client, in color. Producers stamp the active color; consumers join `GID_X` in the baseline and
 * `GID_<color>_X` in a colored instance, and each message is handled by exactly one of the two, in its color.
 * `admin()` and everything else is the client's own.
 *
 * A consumer that names no `maxWaitTimeInMs` gets 500 (KafkaJS: 5,000), and no `heartbeatInterval`, 1,000
 * (KafkaJS: 3,000): so fast an idle partition follows a color that joins or leaves. `eachMessage` runs over
 * the client's `eachBatch`.
 *
 * @param kafka a `Kafka` of KafkaJS 2, or a compatible client that hands its cluster to partition assigners.
 * In a colored instance `sendOffsets` of a transaction reaches the color's group, and a `transactionalId` gets
 * `-<color>` behind it: of one id there can be one producer.
 *
 * @throws ColorwayError `COLORWAY_CLIENT_UNSUPPORTED`, `COLORWAY_INVALID_OPTION`; `consumer()`: `COLORWAY_STATE_MISSING`, `COLORWAY_GROUP_NAME`,
 *   `COLORWAY_CLIENT_UNSUPPORTED`; `run()`: `COLORWAY_CLIENT_UNSUPPORTED`, `COLORWAY_DIRECTORY_UNANSWERED`, `COLORWAY_ENVIRONMENT_UNKNOWN`, `COLORWAY_GROUP_NAME`;
 *   `sendOffsets()`: `COLORWAY_GROUP_UNKNOWN`.
 */
export function coloredKafka<Kafka extends KafkaClient>(
  coloring: Coloring,
  kafka: Kafka,
  options: ColoredKafkaOptions = {},
): Kafka {
  checkClient(kafka);
  const policy = kafkaPolicy(coloring, options);
  const admin = new GroupAdmin(() => kafka.admin() as AdminClient);
  serveDiscards(coloring, kafka);
  return overlay(kafka, {
    producer: (config?: never) => {
      const colored = coloredProducerConfig(coloring, config);
      return wrapProducer(coloring, kafka.producer(colored) as unknown as ProducerClient, colored);
    },
    consumer: (config: ConsumerConfigLike) => {
      checkConsumerConfig(config);
      const consumer = wrapConsumer(coloring, kafka, admin, config, policy);
      commitsOf(coloring).know(config.groupId);
      return consumer;
    },
  });
}
