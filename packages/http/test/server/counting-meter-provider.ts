import { type Attributes, createNoopMeter, type MeterProvider } from '@opentelemetry/api';

export interface CountingMeterProvider extends MeterProvider {
  /** What a counter was raised by, over all attributes or over exactly these. */
  of(name: string, attributes?: Attributes): number;
  reset(): void;
}

export function countingMeterProvider(): CountingMeterProvider {
  const added: { name: string; value: number; attributes: string }[] = [];
  const meter = Object.assign(Object.create(createNoopMeter()), {
    createCounter: (name: string) => ({
      add: (value: number, attributes: Attributes = {}) =>
        added.push({ name, value, attributes: JSON.stringify(attributes) }),
    }),
  });
  return {
    getMeter: () => meter,
    of: (name, attributes) =>
      added
        .filter((one) => one.name === name)
        .filter((one) => attributes === undefined || one.attributes === JSON.stringify(attributes))
        .reduce((sum, { value }) => sum + value, 0),
    reset: () => added.splice(0),
  };
}
