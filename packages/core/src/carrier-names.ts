import { ColorwayError, quote } from './errors.js';

/**
 * The names under which a color travels. Each may be a list: all are accepted, the first is sent, so
 * that a company can move from names of its own (`x-mse-tag`, `x-env`) without a flag day.
 */
export interface CarrierOptions {
  /** Request headers. Default `x-infr-flowtype`. */
  readonly headers?: string | readonly string[];
  /** Keys of the W3C baggage member. Default `x-infr-flowtype`. */
  readonly baggageKeys?: string | readonly string[];
  /** What stands before the color in a flow type; `''` where the value is the bare color. Default `CE_`. */
  readonly prefixes?: string | readonly string[];
  /** Metadata keys that hold an instance's color in the directory. Default `COLORING_ENV`. */
  readonly metadataKeys?: string | readonly string[];
  /** Message properties (headers in Kafka and AMQP) that hold the bare color. Default `DMQ_ENV_TAG`. */
  readonly messageProperties?: string | readonly string[];
  /** The request header that says which service and color is wanted; every service of a system uses the same. Default `x-colorway-wanted`. */
  readonly wantedHeader?: string;
}

/** {@link CarrierOptions}, checked and complete: lists with at least one name, headers in lower case. */
export interface CarrierNames {
  readonly headers: NameList;
  readonly baggageKeys: NameList;
  readonly prefixes: NameList;
  readonly metadataKeys: NameList;
  readonly messageProperties: NameList;
  readonly wantedHeader: string;
}

type NameList = readonly [sent: string, ...accepted: string[]];

const TOKEN = /^[!#$%&'*+\-.^_`|~A-Za-z0-9]{1,128}$/;
const PREFIX = /^[A-Za-z0-9._~-]{0,32}$/;

export const DEFAULT_CARRIER_NAMES: CarrierNames = Object.freeze({
  headers: ['x-infr-flowtype'],
  baggageKeys: ['x-infr-flowtype'],
  prefixes: ['CE_'],
  metadataKeys: ['COLORING_ENV'],
  messageProperties: ['DMQ_ENV_TAG'],
  wantedHeader: 'x-colorway-wanted',
} satisfies CarrierNames);

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` for an empty list or a name that no header can have. */
export function resolveCarrierNames(options: CarrierOptions = {}): CarrierNames {
  return Object.freeze({
    headers: names('headers', options.headers, DEFAULT_CARRIER_NAMES.headers, TOKEN, lowerCase),
    baggageKeys: names('baggageKeys', options.baggageKeys, DEFAULT_CARRIER_NAMES.baggageKeys, TOKEN),
    prefixes: names('prefixes', options.prefixes, DEFAULT_CARRIER_NAMES.prefixes, PREFIX),
    metadataKeys: names('metadataKeys', options.metadataKeys, DEFAULT_CARRIER_NAMES.metadataKeys, TOKEN),
    messageProperties: names(
      'messageProperties',
      options.messageProperties,
      DEFAULT_CARRIER_NAMES.messageProperties,
      TOKEN,
    ),
    wantedHeader: names(
      'wantedHeader',
      options.wantedHeader,
      [DEFAULT_CARRIER_NAMES.wantedHeader],
      TOKEN,
      lowerCase,
    )[0],
  });
}

function lowerCase(name: string): string {
  return name.toLowerCase();
}

function names(
  option: keyof CarrierOptions,
  value: string | readonly string[] | undefined,
  fallback: NameList,
  grammar: RegExp,
  normalise: (name: string) => string = (name) => name,
): NameList {
  if (value === undefined) return fallback;
  const [sent, ...accepted] = (typeof value === 'string' ? [value] : value).map((name) => {
    if (typeof name === 'string' && grammar.test(name)) return normalise(name);
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `carriers.${option}: ${quote(name)} must match ${grammar}.`,
    );
  });
  if (sent === undefined) {
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `carriers.${option}: an empty list. Leave it out for ${quote(fallback[0])}.`,
    );
  }
  return Object.freeze([sent, ...accepted] as const);
}
