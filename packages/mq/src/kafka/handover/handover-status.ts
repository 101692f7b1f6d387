import type { MqFences, MqHandover } from '@colorway/core';
import type { TopicHandover } from './topic-handover.js';

export function handoverStatus({ group, topic, table, coloredGroup }: TopicHandover): MqHandover[] {
  return Array.from(table.colors.values(), ({ color, handover, partitions }): MqHandover => {
    const epoch = handover.kind === 'unreadable' ? undefined : handover.epoch;
    const fences = Array.from(partitions, ([partition, { epochs }]): MqFences => {
      const { join, stop, leave } = epochs.find((one) => one.epoch === epoch) ?? {};
      return {
        partition,
        ...(join !== undefined && { join: join.toString() }),
        ...(stop !== undefined && { stop: stop.toString() }),
        ...(leave !== undefined && { leave: leave.toString() }),
      };
    });
    return {
      ...{ broker: 'kafka', group, topic, color, state: handover.kind, epoch },
      brokerGroup: coloredGroup(color),
      fences: fences.sort((a, b) => a.partition - b.partition),
    };
  });
}
