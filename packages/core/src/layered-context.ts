import { type Baggage, type Context, createContextKey, propagation } from '@opentelemetry/api';
import { withoutKeys } from './baggage-key.js';
import type { FlowType } from './flow-type.js';

/** `createContextKey` is `Symbol.for`, so two copies of this package agree on it. */
export const FLOW_TYPE = createContextKey('colorway.flow-type');

/** The API does not export its key. */
const BAGGAGE = baggageKey();

/**
 * Another context with one more value. The API's own `setValue` copies all values, which is most of what a
 * colored request would cost; this is one small object. Whoever sets a further value gets a context of the API.
 */
export class LayeredContext implements Context {
  readonly #below: Context;
  readonly #key: symbol;
  readonly #value: unknown;

  constructor(below: Context, key: symbol, value: unknown) {
    this.#below = below;
    this.#key = key;
    this.#value = value;
  }

  getValue(key: symbol): unknown {
    return key === this.#key ? this.#value : this.#below.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#below.setValue(this.#key, this.#value).setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#below.setValue(this.#key, this.#value).deleteValue(key);
  }
}

/** Another context with a flow type; its baggage with our member is made when somebody asks for it. */
export class FlowContext implements Context {
  readonly #below: Context;
  readonly #flow: FlowType;
  readonly #baggageKeys: readonly [sent: string, ...accepted: string[]];
  #baggage: Baggage | undefined;

  constructor(below: Context, flow: FlowType, baggageKeys: readonly [sent: string, ...accepted: string[]]) {
    this.#below = below instanceof FlowContext ? below.#below : below; // a color in a color does not pile up
    this.#flow = flow;
    this.#baggageKeys = baggageKeys;
  }

  /** Without our member; what stands there for it may have said what the color was before. */
  get otherBaggage(): Baggage | undefined {
    return propagation.getBaggage(this.#below);
  }

  getValue(key: symbol): unknown {
    if (key === FLOW_TYPE) return this.#flow;
    if (key !== BAGGAGE) return this.#below.getValue(key);
    this.#baggage ??= this.#withMember();
    return this.#baggage;
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#copy().setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#copy().deleteValue(key);
  }

  #copy(): Context {
    return this.#below.setValue(FLOW_TYPE, this.#flow).setValue(BAGGAGE, this.getValue(BAGGAGE));
  }

  /** One name is sent: a member under another one, or spelled otherwise, could still say what the color was before. */
  #withMember(): Baggage {
    const others = propagation.getBaggage(this.#below) ?? propagation.createBaggage();
    return withoutKeys(others, this.#baggageKeys).setEntry(this.#baggageKeys[0], { value: this.#flow.text });
  }
}

function baggageKey(): symbol {
  let found = Symbol.for('OpenTelemetry Baggage Key');
  const probe: Pick<Context, 'getValue'> = {
    getValue(key) {
      found = key;
      return undefined;
    },
  };
  propagation.getBaggage(probe as Context);
  return found;
}
