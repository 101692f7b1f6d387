import { numberOf } from '../json-number.js';
import { isUsableName } from '../service-name.js';
import { fieldsOf, listOf, optionalList, textOf } from './json.js';

/** One health check, of a service or, with an empty `service`, of a whole node. */
export interface Check {
  readonly node: string;
  readonly service: string;
  readonly index: number;
}

/** By node and id of the check. */
export type Checks = ReadonlyMap<string, Check>;

/** The names of all services, each with its tags as one text. */
export type ServiceTags = ReadonlyMap<string, string>;

/** Consul's own servers: they are in the catalog, and nobody calls them through a color. */
const CONSUL = 'consul';

/** Others write names into the catalog that no service can have; their instances are not read. */
function isCallable(name: string): boolean {
  return name !== CONSUL && isUsableName(name, 'Consul');
}

/** Out of `/v1/health/state/any`. @throws Error */
export function parseChecks(text: string): Checks {
  const checks = new Map<string, Check>();
  for (const json of listOf(text)) {
    const { Node, CheckID, ServiceName, ModifyIndex } = fieldsOf(json);
    const check = { node: textOf(Node), service: textOf(ServiceName), index: numberOf(ModifyIndex) };
    checks.set(`${check.node}\n${textOf(CheckID)}`, check);
  }
  return checks;
}

/** Out of `/v1/catalog/services`. @throws Error */
export function parseServiceTags(text: string): ServiceTags {
  const services = Object.entries(fieldsOf(JSON.parse(text))).filter(([name]) => isCallable(name));
  return new Map(services.map(([name, tags]) => [name, optionalList(tags).map(textOf).sort().join('\n')]));
}

/** The checks that came, changed or went. */
export function changedChecks(before: Checks, now: Checks): Check[] {
  const changed: Check[] = [];
  for (const [key, check] of now) {
    const known = before.get(key);
    if (known?.index === check.index && known.service === check.service) continue;
    changed.push(check);
    // A check that passed from one service to another concerns both.
    if (known !== undefined && known.service !== check.service)
      changed.push({ ...known, index: check.index });
  }
  for (const [key, check] of before) if (!now.has(key)) changed.push(check);
  return changed;
}

/** The services that came, went, or have other tags. */
export function changedServices(before: ServiceTags, now: ServiceTags): string[] {
  const names = new Set([...before.keys(), ...now.keys()]);
  return [...names].filter((name) => before.get(name) !== now.get(name));
}
