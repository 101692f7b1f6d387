import { type CarrierNames, type Color, colorOf, type FlowType } from '@colorway/core';
import { messageFlow } from '../../message/index.js';
import type { HeadersLike } from '../client-types.js';

/**
 * Reads the colors of a batch. Most of what one consumer sees is of one color or of none: comparing the bytes
 * with those of the message before costs a fifth of decoding and checking them.
 */
export class ColorReader {
  readonly #names: CarrierNames;
  readonly #property: string;
  #bytes: Buffer | undefined;
  #last: FlowType | undefined;
  /** What was read last: the color, or a mark of another kind. */
  flow: FlowType | undefined;

  constructor(names: CarrierNames) {
    this.#names = names;
    this.#property = names.messageProperties[0];
  }

  read(headers: HeadersLike | undefined): Color | undefined {
    this.flow = headers === undefined ? undefined : this.#read(headers);
    return colorOf(this.flow);
  }

  #read(headers: HeadersLike): FlowType | undefined {
    const value = headers[this.#property];
    if (!Buffer.isBuffer(value)) return messageFlow(headers, this.#names);
    if (this.#bytes !== undefined && sameBytes(this.#bytes, value)) return this.#last;
    const flow = messageFlow(headers, this.#names);
    // A color that stands there decides alone; where there is none, the baggage may say more.
    if (flow?.kind === 'color' && flow.color === value.toString('latin1')) {
      this.#bytes = value;
      this.#last = flow;
    }
    return flow;
  }
}

/** For a few bytes this is faster than the call out of JavaScript that `Buffer.equals` is. */
function sameBytes(a: Buffer, b: Buffer): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
