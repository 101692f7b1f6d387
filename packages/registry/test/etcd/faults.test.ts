import { etcdDirectory } from '@colorway/registry/etcd';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { describeServerFaults, QUICK } from '../support/server-faults.js';
import { deleteAll } from './etcd-http.js';

describeWithServers(
  ['etcd'],
  'etcd: faults',
  (servers) => {
    describeServerFaults({
      kind: 'etcd',
      server: () => servers.etcd,
      open: (url, more) => etcdDirectory({ url, ...QUICK, checkMs: 500, ...more }),
      clear: () => deleteAll(servers.etcd.url),
    });
  },
  { own: true },
);
