import type { Color } from './color.js';
import type { Instance } from './instance.js';
import { LayeredMap } from './layered-map.js';
import type { RouteDecision } from './route-decision.js';
import type { ServiceView } from './view.js';

/**
 * What is known of one service, kept changeable, and the view made of it. Only the colors that changed
 * since the last view are made anew. Kept for a day after its last instance is gone: a service that was seen
 * is down, not unknown.
 */
export class ServiceTable {
  readonly #name: string;
  /** By color; `undefined` is the baseline. A list that a view has taken is copied before it is changed. */
  readonly #instances = new Map<Color | undefined, Instance[]>();
  /** All that are known at one address; see {@link #settle}. */
  readonly #byAddress = new Map<string, Instance[]>();
  readonly #unsettled = new Set<string>();
  readonly #listed = new Set<Instance>();
  readonly #members = new Set<Color>();
  readonly #changed = new Set<Color | undefined>();
  /** The colors whose list no view has taken yet. */
  readonly #unshared = new Set<Color | undefined>();
  #view: ServiceView;

  constructor(name: string) {
    this.#name = name;
    const down: RouteDecision = Object.freeze({
      kind: 'unavailable',
      reason: 'baseline-down',
      service: name,
    });
    this.#view = { name, uncolored: down, undeclared: down, colored: LayeredMap.empty() };
  }

  /** Whether it has neither an instance nor a member. */
  get isGone(): boolean {
    return this.#byAddress.size === 0 && this.#members.size === 0;
  }

  put(instance: Instance): void {
    const address = addressOf(instance);
    const tenants = this.#byAddress.get(address);
    if (tenants === undefined) this.#byAddress.set(address, [instance]);
    else tenants.push(instance);
    this.#unsettled.add(address);
  }

  remove(instance: Instance): void {
    const address = addressOf(instance);
    const tenants = this.#byAddress.get(address)?.filter((one) => one !== instance) ?? [];
    if (tenants.length === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, tenants);
    this.#unlist(instance);
    this.#unsettled.add(address);
  }

  declare(color: Color): void {
    this.#members.add(color);
    this.#changed.add(color);
  }

  withdraw(color: Color): void {
    this.#members.delete(color);
    this.#changed.add(color);
  }

  view(): ServiceView {
    for (const address of this.#unsettled) this.#settle(this.#byAddress.get(address) ?? []);
    this.#unsettled.clear();
    if (this.#changed.size === 0) return this.#view;
    let { uncolored, undeclared } = this.#view;
    const colored = new Map<Color, RouteDecision | undefined>();
    for (const color of this.#changed) {
      if (color !== undefined) colored.set(color, this.#colored(color));
      else {
        uncolored = this.#baseline('no-color');
        undeclared = this.#baseline('not-member');
      }
    }
    this.#changed.clear();
    this.#unshared.clear();
    this.#view = Object.freeze({
      name: this.#name,
      uncolored,
      undeclared,
      colored: this.#view.colored.with(colored),
    });
    return this.#view;
  }

  /**
   * Of the instances at one address only those count that started last: the others are gone, and their leases have
   * not run out yet. Whoever listens there now may have another color (law 4).
   */
  #settle(tenants: readonly Instance[]): void {
    const last = tenants.reduce((latest, { startedAt }) => Math.max(latest, startedAt), 0);
    for (const instance of tenants) {
      if (instance.startedAt < last) this.#unlist(instance);
      else this.#list(instance);
    }
  }

  #list(instance: Instance): void {
    if (this.#listed.has(instance)) return;
    this.#listed.add(instance);
    this.#unshare(instance.color).push(instance);
  }

  #unlist(instance: Instance): void {
    if (!this.#listed.delete(instance)) return;
    const fellows = this.#unshare(instance.color);
    const index = fellows.indexOf(instance);
    if (index !== -1) fellows.splice(index, 1);
    if (fellows.length === 0) this.#instances.delete(instance.color);
  }

  #baseline(reason: 'no-color' | 'not-member'): RouteDecision {
    const instances = this.#listOf(undefined);
    const service = this.#name;
    if (instances === undefined)
      return Object.freeze({ kind: 'unavailable', reason: 'baseline-down', service });
    return Object.freeze({ kind: 'baseline', reason, service, instances });
  }

  #colored(color: Color): RouteDecision | undefined {
    const instances = this.#listOf(color);
    const service = this.#name;
    if (instances !== undefined)
      return Object.freeze({ kind: 'colored', reason: 'colored', service, instances });
    if (!this.#members.has(color)) return undefined;
    return Object.freeze({ kind: 'unavailable', reason: 'member-down', service });
  }

  #listOf(color: Color | undefined): readonly [Instance, ...Instance[]] | undefined {
    const list = this.#instances.get(color);
    return list === undefined ? undefined : (list as [Instance, ...Instance[]]);
  }

  /** The list of a color, no longer shared with a view, to be changed. */
  #unshare(color: Color | undefined): Instance[] {
    this.#changed.add(color);
    const known = this.#instances.get(color);
    if (known !== undefined && this.#unshared.has(color)) return known;
    this.#unshared.add(color);
    const list = known?.slice() ?? [];
    this.#instances.set(color, list);
    return list;
  }
}

function addressOf({ host, port }: Instance): string {
  return `${host} ${port}`;
}
