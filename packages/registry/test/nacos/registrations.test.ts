import type { InstanceRecord } from '@colorway/core';
import { Scope } from '@colorway/core/background';
import type { NacosConnection } from '../../src/nacos/nacos-connection.js';
import type { NacosHttp } from '../../src/nacos/nacos-http.js';
import { resolveNacosOptions } from '../../src/nacos/options.js';
import { Registrations } from '../../src/nacos/registrations.js';

const record = (id: string, port: number): InstanceRecord => ({
  ...{ id, service: id, host: '127.0.0.1', port, metadata: {}, startedAt: 1 },
});

/** A connection to a server that refuses one service, and knows of the others what it was told. */
function connection(refuses: string): NacosConnection {
  const hosts = new Map<string, unknown>();
  const fake = {
    ...{ address: 'nacos:8848', why: undefined },
    request: async (type: string, body: { serviceName?: string; instance?: unknown } = {}) => {
      if (body.serviceName === refuses) throw new Error('refused');
      if (type === 'InstanceRequest') hosts.set(body.serviceName ?? '', body.instance);
      const host = hosts.get(body.serviceName ?? '');
      return { serviceInfo: { hosts: host === undefined ? [] : [host] } };
    },
  };
  return fake as unknown as NacosConnection;
}

describe('what stands by a connection that was lost', () => {
  it('is restored each by itself: one that is refused keeps no other away, and fails its own renewal', async () => {
    const http = { update: async () => {} } as unknown as NacosHttp;
    const registrations = new Registrations(
      new Scope('test'),
      resolveNacosOptions({ url: 'http://127.0.0.1:8848' }),
      http,
    );
    const first = connection('none');
    await registrations.register(first, record('order', 1), 60_000);
    await registrations.register(first, record('stock', 2), 60_000);
    const second = connection('order');
    await registrations.restoreAll(second);
    await registrations.renew(second, 'stock');
    await expect(registrations.renew(second, 'order')).rejects.toThrow('refused');
    registrations.close();
  });
});
