import type { StateChange } from '@colorway/core';
import { memoryDirectory } from '@colorway/registry/memory';
import { until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

describe('an observer of a watch', () => {
  it('that throws, or rejects, is told of once; the others hear all, and so does it', async () => {
    const warnings = gatherWarnings();
    const { state, instances } = memoryDirectory();
    const heard: StateChange[] = [];
    let calls = 0;
    const thrower = (): never => {
      calls++;
      throw new Error('the application fails');
    };
    const rejecter = async (): Promise<void> => thrower();
    state.watch('', { next: thrower, current: thrower, error: thrower });
    state.watch('', { next: rejecter, current: rejecter, error: rejecter });
    instances.watch({ next: thrower, current: thrower, error: thrower });
    state.watch('', { next: (change) => void heard.push(change), current: () => {}, error: () => {} });
    await state.create('a', '1');
    await state.create('b', '2');
    await until('both changes', () => heard.length === 3);
    await until('the next sign of life', () => calls >= 10);
    expect(warnings.codes()).toEqual(['COLORWAY_CALLBACK_FAILED']);
    expect(warnings.messages()[0]).toContain('the application fails');
  });
});
