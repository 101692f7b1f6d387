// @ts-check
import { join } from 'node:path';
import { get } from '../exchange.mjs';
import { goProgram } from '../fetch/go-program.mjs';
import { fetchedFolder, findProgram } from '../folders.mjs';

const VERSION = '1.8.0';
const FETCHED = fetchedFolder(`consul-${VERSION}`);

/** One Consul server agent. @type {import('../types.js').ServerKind<'consul'>} */
export const consul = {
  name: 'consul',
  title: `Consul ${VERSION}`,
  variable: 'CONSUL_URL',
  ports: [0, 0, 0],
  deadlineMs: 30_000,
  find: () => findProgram('consul', { fetched: FETCHED }),
  fetch: goProgram(
    { module: 'github.com/hashicorp/consul', version: `v${VERSION}` },
    FETCHED,
    '3 to 5 minutes on 2 cores',
  ),
  url: ([port]) => `http://127.0.0.1:${port}`,

  launch({ program, folder, ports: [http, server, serf], settings }) {
    const flags = {
      'bootstrap-expect': '1', // `-dev` would start sooner, but keeps nothing
      'data-dir': join(folder, 'data'),
      bind: '127.0.0.1',
      client: '127.0.0.1',
      'http-port': `${http}`,
      'server-port': `${server}`,
      'serf-lan-port': `${serf}`,
      'serf-wan-port': '-1',
      'dns-port': '-1',
      'grpc-port': '-1',
    };
    // Elects itself in 1 s, where the default for slow machines takes 5 to 10.
    const hcl = [
      'performance { raft_multiplier = 1 }',
      ...Object.entries(settings).map(([key, value]) => `${key} = ${value}`),
    ];
    return {
      command: program,
      args: [
        'agent',
        '-server',
        ...Object.entries(flags).map(([flag, value]) => `-${flag}=${value}`),
        ...hcl.map((line) => `-hcl=${line}`),
      ],
    };
  },

  /** Consistent reads are refused until a leader is elected and has caught up with its log; before, old data may be missing. */
  async probe(url) {
    await get(new URL('/v1/catalog/nodes?consistent', url).href);
    const self = await get(new URL('/v1/agent/self', url).href).catch((error) => {
      // Without a token it will not say more, but it serves those who have one.
      if (/ answered 403/.test(error.message)) return undefined;
      throw error;
    });
    return self === undefined ? undefined : JSON.parse(self).Config.Version;
  },
};
