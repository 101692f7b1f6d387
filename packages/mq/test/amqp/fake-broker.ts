import type { AmqpChannel } from '../../src/amqp/amqp-channel.js';

type Headers = Readonly<Record<string, unknown>>;

interface Route {
  readonly destination: string;
  readonly key: string;
  readonly args: Headers;
}

/**
 * RabbitMQ's exchanges, as far as routing is concerned: which queues a message comes to, each once, by bindings between exchanges
 * and alternate exchanges. `#` is the one pattern; otherwise keys are equal or not.
 */
export class FakeBroker {
  readonly #exchanges = new Map<string, { readonly type: string; readonly alternate: string | undefined }>();
  readonly #routes = new Map<string, Map<string, Route>>();
  readonly #queues = new Set<string>();

  route(exchange: string, key: string, headers: Headers): string[] {
    const queues = new Set<string>();
    const seen = new Set<string>();
    const visit = (name: string): void => {
      const known = this.#exchanges.get(name);
      if (this.#queues.has(name)) queues.add(name);
      if (known === undefined || seen.has(name)) return;
      seen.add(name);
      const matching = [...(this.#routes.get(name)?.values() ?? [])].filter((route) =>
        matches(known.type, route, key, headers),
      );
      for (const { destination } of matching) visit(destination);
      if (matching.length === 0 && known.alternate !== undefined) visit(known.alternate);
    };
    visit(exchange);
    return [...queues];
  }

  /** @param turn awaited before each call takes place. */
  channel(turn: (call: string) => Promise<unknown>): AmqpChannel {
    const bind = (destination: string, source: string, key: string, args: Headers = {}): void => {
      if (!this.#exchanges.has(source)) throw missing(source);
      const id = JSON.stringify([destination, key, args]);
      this.#routes.set(source, (this.#routes.get(source) ?? new Map()).set(id, { destination, key, args }));
    };
    const unbind = (destination: string, source: string, key: string, args: Headers = {}): void => {
      if (!this.#exchanges.has(source)) throw missing(source);
      this.#routes.get(source)?.delete(JSON.stringify([destination, key, args]));
    };
    const known = (name: string): void => {
      if (!this.#exchanges.has(name) && !this.#queues.has(name)) throw missing(name);
    };
    const calls: Record<string, (...args: never[]) => void> = {
      assertQueue: (name: string) => void this.#queues.add(name),
      deleteQueue: (name: string) => void this.#queues.delete(name),
      assertExchange: (name: string, type: string, options?: { alternateExchange?: string }) => {
        if (!this.#exchanges.has(name))
          this.#exchanges.set(name, { type, alternate: options?.alternateExchange });
      },
      ...{ checkExchange: known, checkQueue: known },
      ...{ bindQueue: bind, bindExchange: bind, unbindQueue: unbind, unbindExchange: unbind },
      ...{ on: () => {}, once: () => {}, close: () => {} },
    };
    const asked = Object.entries(calls).map(([name, call]) => [
      name,
      name.startsWith('on')
        ? call
        : async (...args: never[]) => {
            await turn(`${name} ${args[0]} ${args[1]}`);
            return call(...args) ?? {};
          },
    ]);
    return Object.fromEntries(asked) as AmqpChannel;
  }
}

function matches(type: string, { key, args }: Route, sent: string, headers: Headers): boolean {
  if (type === 'fanout') return true;
  if (type !== 'headers') return key === '#' || key === sent;
  return Object.entries(args).every(([name, value]) => {
    if (name === 'x-match') return true;
    return value === null ? headers[name] !== undefined : headers[name] === value;
  });
}

function missing(name: string): Error {
  return Object.assign(new Error(`no ${name}`), { code: 404 });
}
