/* Types only: each adapter has a subpath of its own, so that nobody loads what they do not use. */
export type { BalancingOptions } from './client/balancing/balancing-options.js';
export type { ClientOptions, HostFilter } from './client/options.js';
export type { AcceptPolicy, SecondSources, ServerColoringOptions } from './server/options.js';
