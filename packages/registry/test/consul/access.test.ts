import { randomUUID } from 'node:crypto';
import { consulDirectory } from '@colorway/registry/consul';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp } from '../support/clean-up.js';
import { record, ToldInstances } from '../support/told-instances.js';
import { until } from '../support/wait.js';
import { consulCall } from './consul-http.js';

jest.setTimeout(60_000);

const MASTER = randomUUID();
/* What docs/registries.md says that a service needs. */
const RULES = `
  service_prefix "" { policy = "read" }
  node_prefix "" { policy = "read" }
  service "order" { policy = "write" }
  key_prefix "colorway/" { policy = "write" }`;

describeWithServers(
  ['consul'],
  'Consul: access control',
  (servers) => {
    async function tokenFor(rules: string): Promise<string> {
      const url = servers.consul.url;
      const call = (path: string, json: object) =>
        consulCall(url, path, { method: 'PUT', json, token: MASTER });
      const name = `policy-${randomUUID()}`;
      await until(
        'the access control',
        () =>
          call('acl/policy', { Name: name, Rules: rules }).then(
            () => true,
            () => false,
          ),
        30_000,
      );
      return JSON.parse(await call('acl/token', { Policies: [{ Name: name }] })).SecretID;
    }

    function open(more: object) {
      const directory = consulDirectory({ url: servers.consul.url, waitMs: 1_000, ...more });
      cleanUp(() => directory.close());
      return directory;
    }

    it('lets one with the token register, watch and write, and names what was refused to others', async () => {
      const token = await tokenFor(RULES);
      const { instances, state } = open({ token });
      const told = await ToldInstances.of(instances);
      await instances.register(record('order-1'), 60_000);
      await until('order-1', () => told.byId.has('order-1'));
      await instances.renew('order-1');
      expect((await state.create('k', 'v')).created).toBe(true);
      await instances.deregister('order-1');

      const refused = {
        code: 'COLORWAY_DIRECTORY_FAILED',
        message: expect.stringMatching(/[Pp]ermission denied/),
      };
      const stranger = open({});
      await expect(stranger.instances.register(record('order-2'), 60_000)).rejects.toMatchObject(refused);
      await expect(stranger.state.create('k2', 'v')).rejects.toMatchObject(refused);
      const message = await state.get('k').then(() => '', String);
      expect(message).not.toContain(token);
    });
  },
  {
    own: true,
    settings: {
      acl: `{ enabled = true, default_policy = "deny", tokens { master = "${MASTER}", agent = "${MASTER}" } }`,
      primary_datacenter: '"dc1"',
    },
  },
);
