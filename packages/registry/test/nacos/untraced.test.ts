import { channel } from 'node:diagnostics_channel';
import http2, { type ClientHttp2Session } from 'node:http2';
import { withColor } from '@colorway/core';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp } from '../support/clean-up.js';
import { recordSpans } from '../support/recorded-spans.js';
import { until } from '../support/wait.js';
import { instance, nacosOn, newNamespace, watchInstances } from './support.js';

jest.setTimeout(60_000);

describeWithServers(['nacos'], 'Nacos: the traffic of the directory', (servers) => {
  it("stands in nobody's traces, where the application's own does", async () => {
    const { traffic, spans, saw } = recordSpans();
    const note = (): void => saw('http');
    channel('undici:request:create').subscribe(note);
    cleanUp(() => channel('undici:request:create').unsubscribe(note));
    seeHttp2(saw);
    const { url } = servers.nacos;
    await withColor('red', async () => {
      const { instances } = nacosOn({ url, namespace: newNamespace() });
      const told = watchInstances(instances);
      await instances.register(instance('order-1'), 5_000);
      await until('the instance', () => told.byId.size === 1);
      await instances.renew('order-1');
      await instances.deregister('order-1');
      await until('it is gone', () => told.byId.size === 0);
    });
    expect(traffic.filter((name) => name === 'http2 connect')).toHaveLength(1);
    expect(traffic.filter((name) => name.startsWith('http2 /')).length).toBeGreaterThan(5);
    expect(spans()).toEqual([]);
    const session = http2.connect(url);
    session.on('error', () => {});
    session.request({ ':path': '/' }).on('error', () => {});
    session.destroy();
    expect(spans()).toEqual(['http2 connect', 'http2 /']);
  });
});

/** As an instrumentation of node:http2 would: a span for each session, and for each request. */
function seeHttp2(saw: (name: string) => void): void {
  const connect = http2.connect;
  const spy = jest.spyOn(http2, 'connect').mockImplementation(((...given: Parameters<typeof connect>) => {
    saw('http2 connect');
    const session: ClientHttp2Session = connect(...given);
    const request = session.request.bind(session);
    session.request = (headers, options) => {
      saw(`http2 ${String((headers as Record<string, unknown> | undefined)?.[':path'])}`);
      return request(headers, options);
    };
    return session;
  }) as typeof connect);
  cleanUp(() => spy.mockRestore());
}
