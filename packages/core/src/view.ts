import { LayeredMap } from './layered-map.js';
import type { RouteDecision } from './route-decision.js';

/**
 * What routing reads: one immutable picture of the directory. A change makes a new view that shares
 * with the old one all that did not change; the same list of instances is the same array.
 */
export interface DirectoryView {
  /** Grows by one with every change. */
  readonly version: number;
  /** Whether the directory has answered once, in both halves. Until then nothing may be decided (law 6). */
  readonly answered: boolean;
  readonly services: LayeredMap<ServiceView>;
  /**
   * Names with capitals, by the same in lower case, as hosts of URLs are. Shared by the views of one directory: a name
   * stays for a day after its service is gone.
   */
  readonly spelled: ReadonlyMap<string, string>;
}

/** The answers for one service, made when the directory changes, so that a call only looks them up. */
export interface ServiceView {
  readonly name: string;
  /** For a call without a color. */
  readonly uncolored: RouteDecision;
  /** For a color that does not contain this service. */
  readonly undeclared: RouteDecision;
  /** For the colors that contain this service, by declaration or by a live instance. */
  readonly colored: LayeredMap<RouteDecision>;
}

export const UNANSWERED_VIEW: DirectoryView = Object.freeze({
  version: 0,
  answered: false,
  services: LayeredMap.empty<ServiceView>(),
  spelled: new Map<string, string>(),
});
