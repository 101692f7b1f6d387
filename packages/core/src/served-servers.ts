import type { Server } from 'node:net';

/** The servers that this process has registered: adapters have a part in what no middleware sees, such as upgrades. */
export class ServedServers {
  readonly #servers = new Set<Server>();
  readonly #listeners: ((server: Server) => void)[] = [];

  /** Tells every listener of a server; once of each. */
  add(server: Server): void {
    if (this.#servers.has(server)) return;
    this.#servers.add(server);
    for (const listener of this.#listeners) listener(server);
  }

  /** Calls the listener with each server, those before this call too. */
  each(listener: (server: Server) => void): void {
    this.#listeners.push(listener);
    for (const server of this.#servers) listener(server);
  }
}
