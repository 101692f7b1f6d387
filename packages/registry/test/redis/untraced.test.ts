import { channel } from 'node:diagnostics_channel';
import { withColor } from '@colorway/core';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp } from '../support/clean-up.js';
import { recordSpans } from '../support/recorded-spans.js';
import { until } from '../support/wait.js';
import { instance, newPrefix, redisCommand, redisOn, watchInstances, watchState } from './support.js';

jest.setTimeout(60_000);

describeWithServers(['redis'], 'Redis: the traffic of the directory', (servers) => {
  it("stands in nobody's traces, where the application's own does", async () => {
    const { traffic, spans, saw } = recordSpans();
    // Where OpenTelemetry's instrumentations of the client listen.
    for (const what of ['command', 'connect']) {
      const started = channel(`tracing:node-redis:${what}:start`);
      const note = (message: unknown): void =>
        saw(`${what} ${(message as { command?: string }).command ?? ''}`);
      started.subscribe(note);
      cleanUp(() => started.unsubscribe(note));
    }
    const { url } = servers.redis;
    await withColor('red', async () => {
      const { instances, state } = redisOn({ url, prefix: newPrefix() });
      const told = watchInstances(instances);
      watchState(state, '');
      await instances.register(instance('order-1'), 5_000);
      await until('the instance', () => told.byId.size === 1);
      await instances.renew('order-1');
      const { entry } = await state.create('env/red', 'a');
      await state.get('env/red');
      await state.list('env/');
      await state.compareAndSet('env/red', 'b', entry.version);
      await instances.deregister('order-1');
      await until('it is gone', () => told.byId.size === 0);
    });
    expect(traffic.length).toBeGreaterThan(10);
    expect(traffic.some((name) => name.startsWith('connect'))).toBe(true);
    expect(spans()).toEqual([]);
    await redisCommand(url, 'PING');
    expect(spans().length).toBeGreaterThan(0);
  });
});
