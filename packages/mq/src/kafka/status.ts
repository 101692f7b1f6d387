import type { Color, Coloring } from '@colorway/core';
import type { ConsumerStatus } from './consumer-status.js';
import { runtimeOf } from './mq-runtime.js';
import type { TopicHandover } from './topic-handover.js';

export interface MqStatus {
  readonly consumers: readonly ConsumerStatus[];
  readonly handovers: readonly HandoverStatus[];
}

export interface HandoverStatus {
  readonly group: string;
  readonly topic: string;
  readonly color: Color;
  readonly state: string;
  readonly epoch: number;
  /** Of the epoch that stands. */
  readonly fences: readonly {
    readonly partition: number;
    readonly join?: string;
    readonly stop?: string;
    readonly leave?: string;
  }[];
}

/**
 * What the Kafka consumers of a coloring do, and how far each color's hand-over is, from what is known here.
 * @throws ColorwayError `COLORWAY_STATE_MISSING`
 */
export function mqStatus(coloring: Coloring): MqStatus {
  const runtime = runtimeOf(coloring);
  return {
    consumers: Array.from(runtime.consumers, (status) => status()),
    handovers: runtime.handovers.flatMap(handoverStatus),
  };
}

function handoverStatus({ group, topic, table }: TopicHandover): HandoverStatus[] {
  return Array.from(table.colors.values(), ({ color, handover, partitions }) => {
    const epoch = handover.kind === 'unreadable' ? 0 : handover.epoch;
    const fences = Array.from(partitions, ([partition, { epochs }]) => {
      const { join, stop, leave } = epochs.find((one) => one.epoch === epoch) ?? {};
      return {
        partition,
        ...(join !== undefined && { join: join.toString() }),
        ...(stop !== undefined && { stop: stop.toString() }),
        ...(leave !== undefined && { leave: leave.toString() }),
      };
    });
    return {
      group,
      topic,
      color,
      state: handover.kind,
      epoch,
      fences: fences.sort((a, b) => a.partition - b.partition),
    };
  });
}
