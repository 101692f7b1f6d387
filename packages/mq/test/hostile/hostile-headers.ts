/** What a stranger may put into the headers of message number `n`: each kind in turn, and no color twice. */
export function hostileHeaders(n: number): Record<string, unknown> {
  const color = `made-up-${n}`;
  const kind = KINDS[n % KINDS.length];
  return kind === undefined ? {} : kind(color, n);
}

const LONG = 15_000;
const long = (n: number, character = 'a'): string => `${n}${character.repeat(LONG)}`;

const KINDS: readonly ((color: string, n: number) => Record<string, unknown>)[] = [
  (color) => ({ DMQ_ENV_TAG: color }),
  (color) => ({ DMQ_ENV_TAG: Buffer.from(color) }),
  (color) => ({ DMQ_ENV_TAG: Buffer.from(color, 'utf16le') }),
  (color) => ({ DMQ_ENV_TAG: [`${color}-a`, Buffer.from(`${color}-b`), color] }),
  (color) => ({ dmq_env_tag: color, Baggage: `x-infr-flowtype=CE_${color}`, 'X-Infr-Flowtype': color }),
  (color) => ({ DMQ_ENV_TAG: 'x'.repeat(63), baggage: `x-infr-flowtype=CE_${color}` }),
  (_, n) => ({ DMQ_ENV_TAG: long(n) }),
  (_, n) => ({ DMQ_ENV_TAG: Array.from({ length: 300 }, (_, at) => `${n}-${at}`) }),
  (color) => ({ baggage: `x-infr-flowtype=CE_${color}` }),
  (color) => ({ baggage: `x%2Dinfr%2Dflowtype=CE_${color},+x-infr-flowtype+=CE_${color}` }),
  (color) => ({ baggage: [`x-infr-flowtype=CE_${color}`, Buffer.from(`x-infr-flowtype=CE_${color}-b`)] }),
  (color) => ({ baggage: Buffer.from(`x-infr-flowtype=CE_${color}`, 'utf16le') }),
  (color) => ({ baggage: Array.from({ length: 300 }, (_, at) => `x-infr-flowtype=CE_${color}-${at}`) }),
  (_, n) => ({ baggage: `x-infr-flowtype=${long(n, '%')}` }),
  (_, n) => ({ baggage: long(n, ',') }),
  (_, n) => ({ baggage: long(n, '=') }),
  (_, n) => ({ baggage: `k${n}=%E0%A4,%,=,;;;,x-infr-flowtype,x-infr-flowtype=,x-infr-flowtype=%00%0d%0a` }),
  (_, n) => ({ baggage: Buffer.from([0xff, 0xfe, n & 0xff, 0x2c, 0x3d]) }),
  (color) => ({ 'jaeger-baggage': `x-infr-flowtype=${color}`, 'uberctx-x-infr-flowtype': `CE_${color}` }),
  (color, n) => ({ [`h${long(n).slice(0, 200)}`]: color, constructor: color, toString: color }),
  (color) => ({ DMQ_ENV_TAG: '', baggage: '', 'x-infr-flowtype': `CE_${color}` }),
];
