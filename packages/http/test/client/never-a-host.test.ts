import { isNeverAHost } from '../../src/client/never-a-host.js';

test.each(['com.acme.order', 'org.apache.dubbo.demo.greeter', 'cn.acme.stock', 'a-b.c_d', 'user_service.v2'])(
  '%s is a name that no host has',
  (name) => expect(isNeverAHost(name)).toBe(true),
);

test.each([
  'api.stripe.com',
  'id.atlassian.com',
  'de.wikipedia.org',
  'dev.azure.com',
  'app.example.internal',
  'io.adafruit.com',
  'stock.default.svc',
  'stock.default.svc.cluster.local',
  'metadata.google.internal',
  'vault.service.consul',
  'db.prod',
  'com.order',
  'order.acme.shop',
])('%s may be a host', (name) => expect(isNeverAHost(name)).toBe(false));
