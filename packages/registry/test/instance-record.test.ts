import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { resolveCarrierNames } from '@colorway/core';
import { instanceRecord } from '../src/coloring/instance-record.js';
import { parseServiceName } from '../src/service-name.js';

const record = (options: Parameters<typeof instanceRecord>[3]) =>
  instanceRecord('order', undefined, resolveCarrierNames(), { port: 3001, ...options });

it('a server that serves TLS is announced as such', () => {
  expect(record({ server: https.createServer() }).secure).toBe(true);
  expect(record({ server: http2.createSecureServer() }).secure).toBe(true);
  expect(record({ server: http.createServer() }).secure).toBeUndefined();
  expect(record({ server: https.createServer(), secure: false }).secure).toBe(false);
  expect(record({ secure: true }).secure).toBe(true);
});

it.each(['order', 'Order', 'ORDER-SERVICE', 'com.acme.order', 'user_service', '2fast', 'v1.order', 'a..b'])(
  'takes the service name %s as it is given',
  (name) => {
    expect(parseServiceName(name)).toBe(name);
  },
);

it.each(['7', '10.0.0.1', '0x7f', '1.2', 'order.7', 'localhost', 'LOCALHOST', 'xn--a', '', 'a b', 7])(
  'refuses the service name %p, which no URL could name',
  (name) => {
    expect(() => parseServiceName(name)).toThrow(
      expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION' }),
    );
  },
);
