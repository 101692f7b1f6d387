import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { withColor } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { trace } from '@opentelemetry/api';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { request } from 'undici';
import { HttpClient } from '../../src/http-client/index.js';

it("the traffic with the directory stands in nobody's traces, and carries no color", async () => {
  setupContext();
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  const instrumentation = new UndiciInstrumentation();
  instrumentation.setTracerProvider(provider);
  const seen: string[][] = [];
  const server = createServer((incoming, response) => {
    seen.push(Object.keys(incoming.headers));
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new HttpClient({ server: 'Test', option: 'url', endpoints: [url], timeoutMs: 2_000 });
  try {
    await withColor('red', () => client.call({ path: '/v1/x' }, () => undefined));
    expect(exporter.getFinishedSpans()).toEqual([]);
    expect(seen.flat()).not.toEqual(expect.arrayContaining(['traceparent', 'baggage', 'x-infr-flowtype']));
    await (await request(url)).body.dump();
    expect(exporter.getFinishedSpans()).toHaveLength(1);
  } finally {
    await client.close();
    server.close();
    server.closeAllConnections();
    instrumentation.disable();
    trace.disable();
  }
});
