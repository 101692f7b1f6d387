import { count, MqBoard, type MqConsumer } from '@colorway/core';
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';

function consumer(waits: readonly (string | undefined)[], ms = 0): MqConsumer {
  return {
    ...{ broker: 'kafka', group: 'GID_x', brokerGroup: 'GID_x', color: undefined, phase: 'running' },
    ...{ handled: 0, skipped: 0, unread: undefined, reasons: {} },
    partitions: waits.map((reason, partition) => ({
      ...{ topic: 'orders', partition, position: undefined, unread: undefined },
      ...(reason !== undefined && { waiting: { for: reason, ms } }),
    })),
  };
}

describe('the board of message consumers', () => {
  afterEach(() => metrics.disable());

  test('shows what its sources tell, until they are taken out', () => {
    const board = new MqBoard();
    expect(board.status()).toEqual({ consumers: [], handovers: [], work: [] });
    const one = consumer([]);
    const remove = board.add(() => ({ consumers: [one] }));
    const other = board.add(() => ({ handovers: [] }));
    expect(board.status()).toEqual({ consumers: [one], handovers: [], work: [] });
    remove();
    remove();
    expect(board.status().consumers).toEqual([]);
    other();
  });

  test('is read by the gauge of waiting partitions, also with a provider that comes later', async () => {
    const board = new MqBoard();
    const remove = board.add(() => ({
      consumers: [consumer(['join-fence', undefined, 'join-fence', 'leave-fence'])],
    }));
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    metrics.setGlobalMeterProvider(provider);
    count('coloring.mq.handled');
    const waiting = async () => {
      exporter.reset();
      await reader.forceFlush();
      const all = exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
      return all
        .filter(({ descriptor }) => descriptor.name === 'coloring.mq.waiting')
        .flatMap(({ dataPoints }) =>
          dataPoints.map(({ value, attributes }) => [attributes['coloring.reason'], value]),
        );
    };
    expect(await waiting()).toEqual([
      ['join-fence', 2],
      ['leave-fence', 1],
    ]);
    remove();
    expect(await waiting()).toEqual([
      ['join-fence', 0],
      ['leave-fence', 0],
    ]);
    await provider.shutdown();
  });

  test('tells of a long wait once, with what is waited for', () => {
    jest.useFakeTimers({ doNotFake: ['nextTick'] });
    const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const board = new MqBoard();
      let ms = 9_000;
      const remove = board.add(() => ({ consumers: [consumer([undefined, 'test: join-fence'], ms)] }));
      jest.advanceTimersByTime(6_000);
      expect(emit).not.toHaveBeenCalled();
      ms = 12_000;
      jest.advanceTimersByTime(60_000);
      expect(emit).toHaveBeenCalledTimes(1);
      expect(emit.mock.calls[0]?.[0]).toContain(
        'GID_x, partition 1 of orders, has waited for 12 s: test: join-fence.',
      );
      remove();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      emit.mockRestore();
      jest.useRealTimers();
    }
  });
});
