import {
  ColorwayError,
  type InstanceChange,
  type InstanceRecord,
  type InstanceStore,
  quote,
  type Watch,
  type WatchObserver,
} from '@colorway/core';
import type { HttpAnswer } from '../http-client/index.js';
import { InstanceFeed } from '../instance-feed.js';
import type { Watches } from '../watches.js';
import type { ConsulClient } from './consul-client.js';
import { fieldsOf, optionalList } from './json.js';
import type { ConsulOptions } from './options.js';
import { checkId, formatRegistration, serviceId } from './registration.js';
import { ServiceWatch } from './service-watch.js';

interface Lease {
  readonly leaseMs: number;
  /** When Consul was last asked to begin it anew, and did; by the monotonic clock. */
  renewedAt: number;
}

/** How Consul before and after 1.11 says that it does not know a check. */
const UNKNOWN_CHECK = /unknown check|does not have associated TTL/i;

/** Instances as services of a Consul agent, each with a TTL check. */
export class ConsulInstances implements InstanceStore {
  readonly reach = 'network';
  readonly #client: ConsulClient;
  readonly #options: ConsulOptions;
  readonly #watches: Watches;
  readonly #leases = new Map<string, Lease>();

  constructor(client: ConsulClient, options: ConsulOptions, watches: Watches) {
    this.#client = client;
    this.#options = options;
    this.#watches = watches;
  }

  async register(instance: InstanceRecord, leaseMs: number): Promise<void> {
    const json = formatRegistration(instance, leaseMs, this.#options.tags);
    const renewedAt = performance.now();
    await this.#client.call(
      { method: 'PUT', path: 'agent/service/register', query: OWN_AGENT, json, repeatable: true },
      mustBeEmpty,
    );
    // An agent that knows the check already leaves its state as it was: critical, when the lease had run out.
    if (!(await this.#pass(instance.id))) throw lost(instance.id);
    this.#leases.set(instance.id, { leaseMs, renewedAt });
  }

  async renew(id: string): Promise<void> {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw lost(id);
    const sentAt = performance.now();
    const mayBeOver = sentAt - lease.renewedAt > lease.leaseMs;
    // Consul takes a heartbeat of the dead: it would be back without its environment having been looked at.
    const isOver = mayBeOver && (await this.#isCritical(id));
    if (!isOver && (await this.#pass(id))) {
      lease.renewedAt = sentAt;
      return;
    }
    if (this.#leases.get(id) === lease) this.#leases.delete(id);
    throw lost(id);
  }

  async deregister(id: string): Promise<void> {
    await this.#client.call(
      {
        method: 'PUT',
        path: `agent/service/deregister/${encodeURIComponent(serviceId(id))}`,
        query: OWN_AGENT,
        expect: [404],
        repeatable: true,
      },
      mustBeEmpty,
    );
    this.#leases.delete(id);
  }

  watch(observer: WatchObserver<InstanceChange>): Watch {
    return this.#watches.add('watch of the instances', (scope, onClose) => {
      const feed = new InstanceFeed(scope, observer, this.#options.graceMs, onClose);
      new ServiceWatch(scope, this.#client, this.#options.waitMs, feed);
      return feed.watch;
    });
  }

  /** False when the agent does not know the check. */
  async #pass(id: string): Promise<boolean> {
    const path = `agent/check/pass/${encodeURIComponent(checkId(serviceId(id)))}`;
    const answer = await this.#client.call(
      { method: 'PUT', path, query: OWN_AGENT, expect: [404, 500], repeatable: true },
      mustBeEmpty,
    );
    if (answer.status < 300) return true;
    if (answer.status === 404 || UNKNOWN_CHECK.test(answer.text)) return false;
    throw this.#client.refusal(answer, `PUT /v1/${path}`);
  }

  /** Whether the agent knows that the lease has run out, or does not know it at all. */
  #isCritical(id: string): Promise<boolean> {
    const path = `agent/health/service/id/${encodeURIComponent(serviceId(id))}`;
    // The status says how the service is, as a whole: passing, warning, critical.
    const call = { path, query: OWN_AGENT, expect: [404, 429, 503] };
    return this.#client.call(
      call,
      (answer) => answer.status === 404 || hasCritical(answer, checkId(serviceId(id))),
    );
  }
}

/** The agent's own services have no datacenter, and are in the namespace that the token says. */
const OWN_AGENT = { dc: undefined };

/** What Consul says to a change that it has made. @throws Error for what somebody else says */
function mustBeEmpty(answer: HttpAnswer): HttpAnswer {
  if (answer.status >= 300 || answer.text.trim() === '') return answer;
  throw new Error(`its answer is not Consul's: ${answer.text.slice(0, 100)}`);
}

function hasCritical(answer: HttpAnswer, check: string): boolean {
  const { Checks } = fieldsOf(JSON.parse(answer.text));
  return optionalList(Checks)
    .map(fieldsOf)
    .some(({ CheckID, Status }) => CheckID === check && Status === 'critical');
}

function lost(id: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_LEASE_LOST',
    `Instance ${quote(id)} is not in Consul, or its lease has run out. Register it again.`,
  );
}
