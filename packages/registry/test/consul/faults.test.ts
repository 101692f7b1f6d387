import { consulDirectory } from '@colorway/registry/consul';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { describeServerFaults, QUICK } from '../support/server-faults.js';
import { clearConsul } from './consul-http.js';

describeWithServers(
  ['consul'],
  'Consul: faults',
  (servers) => {
    describeServerFaults({
      kind: 'consul',
      server: () => servers.consul,
      open: (url, more) => consulDirectory({ url, ...QUICK, waitMs: 1_000, ...more }),
      clear: () => clearConsul(servers.consul.url),
    });
  },
  { own: true },
);
