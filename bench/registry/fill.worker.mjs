// Fills a directory, and holds what it registered until it is told to end: 10 instances of each service without a color, and
// one each of every color in as many services as the number of instances gives it, each declared.
import { membershipKey } from '@colorway/core';
import { openDirectory } from '../lib/open-directory.mjs';
import { record } from '../lib/synthetic-directory.mjs';

const { DIRECTORY, DIRECTORY_PLACE, SERVICES, COLORS, INSTANCES } = process.env;
const services = Number(SERVICES);
const colors = Number(COLORS);
const LEASE_MS = 3_600_000;
const AT_ONCE = 64;
const NODES = 100;

const directory = await openDirectory(DIRECTORY, DIRECTORY_PLACE);
const uncolored = services * 10;
const eachColor = (Number(INSTANCES) - uncolored) / colors;
await all(uncolored, (index) => register(`service-${index % services}`, undefined, index));
await all(colors * eachColor, async (index) => {
  const color = index % colors;
  const service = `service-${(color * eachColor + Math.floor(index / colors)) % services}`;
  await register(service, `color-${color}`, uncolored + index);
  await directory.state.create(membershipKey(service, `color-${color}`), '{}');
});
process.send('filled');

async function register(service, color, index) {
  const instance = { ...record(service, color, index), port: 1_000 + index };
  if (DIRECTORY === 'consul') await registerOnNode(instance, `node-${index % NODES}`);
  else await directory.instances.register(instance, LEASE_MS);
}

/** As the agents of many machines would enter it: one agent is not made for thousands of services of its own. */
async function registerOnNode({ id, service, host, port, metadata }, node) {
  const response = await fetch(`${DIRECTORY_PLACE}/v1/catalog/register`, {
    method: 'PUT',
    body: JSON.stringify({
      Node: node,
      Address: host,
      SkipNodeUpdate: true,
      Service: { ID: id, Service: service, Tags: ['colorway'], Address: host, Port: port, Meta: metadata },
      Check: { Node: node, CheckID: `service:${id}`, Name: 'TTL', ServiceID: id, Status: 'passing' },
    }),
  });
  if (!response.ok) throw new Error(`Consul answered ${response.status}: ${await response.text()}`);
  await response.text();
}

async function all(count, work) {
  let next = 0;
  const one = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

process.on('disconnect', () => process.exit());
