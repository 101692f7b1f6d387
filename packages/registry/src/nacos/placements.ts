import type { InstanceRecord } from '@colorway/core';
import { asClaimed } from '../claimed-id.js';
import { fromNacos, placeOf } from './nacos-instance.js';

interface Placed {
  readonly text: string;
  readonly record: InstanceRecord;
}

export interface PlacementChange {
  readonly put: readonly InstanceRecord[];
  readonly vanished: readonly string[];
}

/**
 * Who is where, for Nacos knows instances by service and address, and not by id. An id that stands in several
 * places of a service, because its address has changed or two processes use it, is the one that was started last.
 */
export class Placements {
  readonly #group: string;
  readonly #services = new Map<string, Map<string, Placed>>();
  readonly #byId = new Map<string, Map<string, InstanceRecord>>();
  /** The ids under which those of an id were told. */
  readonly #told = new Map<string, readonly string[]>();

  constructor(group: string) {
    this.#group = group;
  }

  services(): string[] {
    return [...this.#services.keys()];
  }

  has(service: string): boolean {
    return this.#services.has(service);
  }

  size(service: string): number {
    return this.#services.get(service)?.size ?? 0;
  }

  /** Nothing is known of a service any more. */
  forget(service: string): PlacementChange {
    const change = this.replace(service, []);
    this.#services.delete(service);
    return change;
  }

  records(): InstanceRecord[] {
    return [...this.#byId.keys()].flatMap((id) => [...this.#records(id).values()]);
  }

  /** All instances of a service, as Nacos tells of them, in place of those known before. */
  replace(service: string, hosts: readonly unknown[]): PlacementChange {
    const known = this.#services.get(service) ?? new Map<string, Placed>();
    const told = new Map<string, Placed>();
    const touched = new Set<string>();
    for (const host of hosts) {
      if (typeof host !== 'object' || host === null) continue;
      const fields = host as Readonly<Record<string, unknown>>;
      const text = JSON.stringify(fields);
      const place = placeOf(fields);
      const before = known.get(place);
      const record = before?.text === text ? before.record : fromNacos(service, this.#group, fields);
      if (record === undefined) continue;
      told.set(place, { text, record });
      if (before?.record !== record) touched.add(record.id);
    }
    this.#services.set(service, told);
    for (const [place, { record }] of known) {
      if (told.get(place)?.record === record) continue;
      this.#places(record.id).delete(`${service} ${place}`);
      touched.add(record.id);
    }
    for (const [place, { record }] of told) {
      if (touched.has(record.id)) this.#places(record.id).set(`${service} ${place}`, record);
    }
    return this.#changeOf(touched);
  }

  #changeOf(ids: ReadonlySet<string>): PlacementChange {
    const put: InstanceRecord[] = [];
    const vanished: string[] = [];
    for (const id of ids) {
      const records = this.#records(id);
      put.push(...records.values());
      for (const told of this.#told.get(id) ?? []) if (!records.has(told)) vanished.push(told);
      if (records.size > 0) this.#told.set(id, [...records.keys()]);
      else {
        this.#byId.delete(id);
        this.#told.delete(id);
      }
    }
    return { put, vanished };
  }

  /** Those that have an id, by the id that they are told under: one of each service. */
  #records(id: string): Map<string, InstanceRecord> {
    const byService = new Map<string, Map<string, InstanceRecord>>();
    for (const [place, record] of this.#places(id)) {
      const places = byService.get(record.service) ?? new Map<string, InstanceRecord>();
      byService.set(record.service, places.set(place, record));
    }
    const records = new Map<string, InstanceRecord>();
    for (const places of byService.values()) {
      const record = latest(places);
      if (record === undefined) continue;
      const claimed = asClaimed(record, byService.size > 1);
      records.set(claimed.id, claimed);
    }
    return records;
  }

  #places(id: string): Map<string, InstanceRecord> {
    let places = this.#byId.get(id);
    if (places === undefined) {
      places = new Map();
      this.#byId.set(id, places);
    }
    return places;
  }
}

/** The same for everybody who sees the same places, in whatever order. */
function latest(places: ReadonlyMap<string, InstanceRecord>): InstanceRecord | undefined {
  let found: [string, InstanceRecord] | undefined;
  for (const [place, record] of places) {
    const isLater =
      found === undefined ||
      record.startedAt > found[1].startedAt ||
      (record.startedAt === found[1].startedAt && place > found[0]);
    if (isLater) found = [place, record];
  }
  return found?.[1];
}
