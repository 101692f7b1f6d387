import type { InstanceRecord } from '@colorway/core';
import { numberOf } from '../json-number.js';
import { fieldsOf, listOf, optionalFields, optionalList, textOf, textsOf } from './json.js';
import { parseMeta } from './service-meta.js';

/** One instance of a service as Consul knows it. */
export interface ServiceEntry {
  readonly node: string;
  readonly record: InstanceRecord;
  /** None of its checks, nor of its node's, is critical. */
  readonly isAlive: boolean;
  /** Of the last change to the service. */
  readonly index: number;
}

/**
 * The instances out of `/v1/health/service/:name`. Proxies of a service mesh are none, nor is what has no
 * address and port to call.
 * @throws Error
 */
export function parseServiceEntries(text: string): ServiceEntry[] {
  return listOf(text).flatMap((json) => {
    const { Node, Service, Checks } = fieldsOf(json);
    const service = fieldsOf(Service);
    if (textOf(service.Kind) !== '') return [];
    const statuses = optionalList(Checks).map((check) => textOf(fieldsOf(check).Status));
    const node = fieldsOf(Node);
    const record = recordOf(service, node, statuses.includes('warning'));
    if (record.host === '' || !(record.port >= 1 && record.port <= 65_535)) return [];
    return [
      {
        node: textOf(node.Node),
        record,
        // A weight that is none is left out with a report, where all records are looked at.
        isAlive: !statuses.includes('critical') && !((record.weight ?? 1) <= 0),
        index: numberOf(service.ModifyIndex ?? 0),
      },
    ];
  });
}

function recordOf(
  service: Readonly<Record<string, unknown>>,
  node: Readonly<Record<string, unknown>>,
  isWarning: boolean,
): InstanceRecord {
  const id = textOf(service.ID);
  const meta = textsOf(service.Meta);
  const weights = optionalFields(service.Weights);
  const weight = numberOf((isWarning ? weights.Warning : weights.Passing) ?? 1);
  const own = parseMeta(meta, id);
  const common = {
    service: textOf(service.Service),
    host: textOf(service.Address) || textOf(node.Address),
    port: numberOf(service.Port),
  };
  if (own !== undefined) return Object.freeze({ ...own, ...common, ...(isWarning ? { weight } : {}) });
  const metadata = { ...tagsOf(service.Tags), ...meta };
  return Object.freeze({
    ...common,
    // The ids of others are unique in their agent alone.
    id: `${textOf(node.Node)}/${id}`,
    ...(weight === 1 ? {} : { weight }),
    ...(metadata.secure === undefined ? {} : { secure: metadata.secure === 'true' }),
    metadata: Object.freeze(metadata),
    startedAt: 0,
  });
}

/** Older clients say in tags `key=value` what newer ones say in the meta. */
function tagsOf(json: unknown): Record<string, string> {
  const pairs = optionalList(json).flatMap((tag) => {
    const [key = '', ...value] = textOf(tag).split('=');
    return key === '' || value.length === 0 ? [] : [[key, value.join('=')] as const];
  });
  return Object.fromEntries(pairs);
}
