import type { Color } from './color.js';
import type { Instance } from './instance.js';
import { LayeredMap } from './layered-map.js';
import type { RouteDecision } from './route-decision.js';
import type { ServiceView } from './view.js';

/**
 * What is known of one service, kept changeable, and the view made of it. Only the colors that changed
 * since the last view are made anew. Kept after its last instance is gone: a service that was seen once
 * is down, not unknown.
 */
export class ServiceTable {
  readonly #name: string;
  /** By color; `undefined` is the baseline. A list that a view has taken is copied before it is changed. */
  readonly #instances = new Map<Color | undefined, Instance[]>();
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

  put(instance: Instance): void {
    this.#unshare(instance.color).push(instance);
  }

  remove(instance: Instance): void {
    const fellows = this.#unshare(instance.color);
    const index = fellows.indexOf(instance);
    if (index !== -1) fellows.splice(index, 1);
    if (fellows.length === 0) this.#instances.delete(instance.color);
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

  #baseline(reason: 'no-color' | 'not-member'): RouteDecision {
    const instances = this.#list(undefined);
    const service = this.#name;
    if (instances === undefined)
      return Object.freeze({ kind: 'unavailable', reason: 'baseline-down', service });
    return Object.freeze({ kind: 'baseline', reason, service, instances });
  }

  #colored(color: Color): RouteDecision | undefined {
    const instances = this.#list(color);
    const service = this.#name;
    if (instances !== undefined)
      return Object.freeze({ kind: 'colored', reason: 'colored', service, instances });
    if (!this.#members.has(color)) return undefined;
    return Object.freeze({ kind: 'unavailable', reason: 'member-down', service });
  }

  #list(color: Color | undefined): readonly [Instance, ...Instance[]] | undefined {
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
