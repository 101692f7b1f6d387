// The servers of one directory, each its own process, and the place by which `openDirectory` finds them.
import { startService } from '../../test/services/index.mjs';
import { countingProxy } from './counting-proxy.mjs';

/** All clients of a benchmark come from one address, which Consul takes for one client. */
const SETTINGS = { consul: { limits: '{ http_max_conns_per_client = 10000 }' } };
const PROTOCOLS = { consul: 'http1', etcd: 'http1', redis: 'redis', nacos: 'http2' };
/** Where Nacos's gRPC port is, above the one that its URL names. */
const GRPC_OFFSET = 1_000;

/** What a directory's place is made of. Nacos has no state half: it is used with Redis's. */
const REGISTRIES = {
  consul: ['consul'],
  etcd: ['etcd'],
  redis: ['redis'],
  nacos: ['nacos', 'redis'],
};

/** @param {string} kind consul, etcd, redis or nacos */
export async function startRegistry(kind) {
  const servers = [];
  for (const name of REGISTRIES[kind]) {
    servers.push(await startService(name, { own: true, settings: SETTINGS[name] ?? {} }));
  }
  const names = REGISTRIES[kind];
  return {
    place: servers.map(({ url }) => url).join(' '),
    /** The same servers behind proxies that count what a client asks each of them. */
    async counted() {
      const proxies = await Promise.all(servers.map(({ url }, index) => proxyTo(names[index], url)));
      return {
        place: proxies.map(({ url }) => url).join(' '),
        /** Requests so far, by server. */
        requests: () => new Map(proxies.map(({ proxy }, index) => [names[index], proxy.requests()])),
        close() {
          for (const { proxy } of proxies) proxy.close();
        },
      };
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

async function proxyTo(name, url) {
  const protocol = PROTOCOLS[name];
  if (name !== 'nacos') {
    const proxy = await countingProxy(url, { protocol });
    return { proxy, url: proxy.url };
  }
  // Watching is gRPC alone: nobody asks for the HTTP port of this URL, whose gRPC port is the proxy's.
  const proxy = await countingProxy(url, { protocol, port: Number(new URL(url).port) + GRPC_OFFSET });
  return { proxy, url: `http://127.0.0.1:${proxy.port - GRPC_OFFSET}` };
}
