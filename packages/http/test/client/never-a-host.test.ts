import { isNeverAHost } from '../../src/client/never-a-host.js';

test.each([
  'com.acme.order',
  'org.apache.dubbo.demo.greeter',
  'cn.acme.stock',
  'a-b.c_d',
  'v2.user_service',
  'c_d',
])('%s is a name that no host has', (name) => expect(isNeverAHost(name)).toBe(true));

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
  'my_bucket.s3.amazonaws.com',
  'user_service.v2',
  '_dmarc.example.com',
])('%s may be a host', (name) => expect(isNeverAHost(name)).toBe(false));
