// @ts-check
import { join } from 'node:path';
import { get } from '../exchange.mjs';
import { debianPackage } from '../fetch/debian-package.mjs';
import { findProgram } from '../folders.mjs';

/** One etcd node. @type {import('../types.js').ServerKind<'etcd'>} */
export const etcd = {
  name: 'etcd',
  title: 'etcd',
  variable: 'ETCD_URL',
  ports: [0, 0],
  deadlineMs: 20_000,
  find: () => findProgram('etcd'),
  fetch: debianPackage('etcd-server', '5 to 15 s'),
  url: ([port]) => `http://127.0.0.1:${port}`,

  launch({ program, folder, ports: [client, peer], settings }) {
    const clients = `http://127.0.0.1:${client}`;
    const peers = `http://127.0.0.1:${peer}`;
    const flags = {
      'data-dir': join(folder, 'data'),
      'listen-client-urls': clients,
      'advertise-client-urls': clients,
      'listen-peer-urls': peers,
      'initial-advertise-peer-urls': peers,
      'initial-cluster': `default=${peers}`,
      ...settings,
    };
    return { command: program, args: Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`) };
  },

  async probe(url) {
    const { health } = JSON.parse(await get(new URL('/health', url).href));
    if (health !== 'true') throw new Error(`/health says ${health}`);
    return JSON.parse(await get(new URL('/version', url).href)).etcdserver;
  },
};
