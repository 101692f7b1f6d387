import { consulDirectory } from '@colorway/registry/consul';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp } from '../support/clean-up.js';
import { ToldInstances } from '../support/told-instances.js';
import { until } from '../support/wait.js';
import { consulCall } from './consul-http.js';

jest.setTimeout(120_000);

const TURNS = 8;

/* Consul's health endpoint ignores the case of a service's name, and its catalog does not. */
describeWithServers(['consul'], 'Consul: two services whose names differ by case alone', (servers) => {
  it('have their own instances, and one that is deregistered is gone at once, whichever it is of', async () => {
    const { url } = servers.consul;
    const own = `${process.pid}-${Date.now()}`;
    const ids = new Set<string>();
    cleanUp(() => Promise.all([...ids].map((id) => deregister(url, id))));
    const directory = consulDirectory({ url });
    cleanUp(() => directory.close());
    const told = await ToldInstances.of(directory.instances);
    const late: string[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const [lower, upper] = [`stock-${own}-${turn}`, `Stock-${own}-${turn}`];
      const all: { id: string; name: string }[] = [];
      for (const name of turn % 2 === 0 ? [lower, upper] : [upper, lower]) {
        // Ids ignore the case too.
        for (const copy of [1, 2]) all.push({ id: `${name === upper ? 'java-' : ''}${name}-${copy}`, name });
      }
      for (const { id, name } of all) {
        ids.add(id);
        await register(url, id, name);
      }
      const seen = () => seenOf(told, `-${own}-${turn}`);
      await until('all of both', () => seen().length === all.length);
      for (const { id, name } of all) expect(seen()).toContain(`${name} ${id}`);
      // One of each name goes; the name stays.
      for (const { id } of [all[0], all[2]].filter((one) => one !== undefined)) {
        await deregister(url, id);
        const isGone = () => !seen().some((line) => line.endsWith(` ${id}`));
        await until(`${id} to be gone`, isGone, 5_000).catch(() => late.push(`${id} in turn ${turn}`));
      }
    }
    expect(late).toEqual([]);
  });
});

/** `stock stock-1`: the name of each instance, and its id at Consul. */
function seenOf(told: ToldInstances, part: string): string[] {
  return Array.from(told.byId.values(), ({ service, id }) => `${service} ${id.replace(/^.*\//, '')}`).filter(
    (line) => line.includes(part),
  );
}

function register(url: string, id: string, name: string): Promise<string> {
  const json = {
    ID: id,
    Name: name,
    Address: '10.0.0.1',
    Port: 80,
    Check: { TTL: '600s', Status: 'passing' },
  };
  return consulCall(url, 'agent/service/register', { method: 'PUT', json });
}

function deregister(url: string, id: string): Promise<unknown> {
  return consulCall(url, `agent/service/deregister/${id}`, { method: 'PUT' }).catch(() => undefined);
}
