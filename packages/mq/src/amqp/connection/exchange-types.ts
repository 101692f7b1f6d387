import { replyCode } from '../amqp-channel.js';
import type { SideChannel } from './side-channel.js';

/** Of AMQP itself; plugins bring others. */
const PREDECLARED = /^amq\.(direct|fanout|topic|headers|match)/;

/** Of which type exchanges are that the application uses. */
export class ExchangeTypes {
  readonly #side: SideChannel;
  readonly #known = new Map<string, string>();

  constructor(side: SideChannel) {
    this.#side = side;
  }

  /** The application has declared it, and the broker agreed. */
  note(exchange: string, type: string): void {
    this.#known.set(exchange, type);
  }

  /** `undefined` where the broker does not say, because this user may not declare the exchange. Rejects with `404` where there is none. */
  async of(exchange: string): Promise<string | undefined> {
    const predeclared = PREDECLARED.exec(exchange)?.[1];
    if (predeclared !== undefined) return predeclared === 'match' ? 'headers' : predeclared;
    const known = this.#known.get(exchange) ?? (await this.#asked(exchange));
    if (known !== undefined) this.#known.set(exchange, known);
    return known;
  }

  /** AMQP has no question for it. The broker refuses to declare an exchange again as another type, and tells which it has. */
  async #asked(exchange: string): Promise<string | undefined> {
    try {
      await this.#side.run(async (channel) => {
        await channel.checkExchange(exchange);
        await channel.assertExchange(exchange, 'headers');
      });
      return 'headers';
    } catch (error) {
      if (replyCode(error) === 406) return typeIn(error);
      if (replyCode(error) === 403) return undefined;
      throw error;
    }
  }
}

/** The type is compared first: where the broker complains of something else, it was right. */
function typeIn(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  return /arg 'type' .* current is [^']*'([^']+)'/.exec(text)?.[1] ?? 'headers';
}
