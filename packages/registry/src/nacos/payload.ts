/*
 * The one message of Nacos's gRPC API (nacos_grpc_service.proto), in Protocol Buffers' wire format:
 *   Payload  { Metadata metadata = 2; Any body = 3; }
 *   Metadata { string type = 3; map<string, string> headers = 7; string clientIp = 8; }
 *   Any      { string type_url = 1; bytes value = 2; }
 * The type names what the body is, and the body is JSON.
 */

export interface Payload {
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const LENGTH_DELIMITED = 2;

export function encodePayload({ type, headers = {}, body }: Payload): Buffer {
  const entries = Object.entries(headers).map(([key, value]) => field(7, [field(1, key), field(2, value)]));
  const metadata = field(2, [field(3, type), ...entries]);
  return Buffer.concat([metadata, field(3, [field(2, JSON.stringify(body))])]);
}

/** @throws Error for what is no payload with a type and a JSON object. */
export function decodePayload(bytes: Buffer): Payload {
  const fields = decodeFields(bytes);
  const type = decodeFields(last(fields, 2))
    .findLast(({ number }) => number === 3)
    ?.bytes.toString();
  const text = last(decodeFields(last(fields, 3)), 2).toString();
  const body: unknown = text === '' ? {} : JSON.parse(text);
  if (type === undefined || typeof body !== 'object' || body === null)
    throw new Error('it has no type or body');
  return { type, body: body as Record<string, unknown> };
}

function field(number: number, content: string | readonly Buffer[]): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.concat(content);
  return Buffer.concat([varint((number << 3) | LENGTH_DELIMITED), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

interface Field {
  readonly number: number;
  readonly bytes: Buffer;
}

function last(fields: readonly Field[], wanted: number): Buffer {
  return fields.findLast(({ number }) => number === wanted)?.bytes ?? Buffer.alloc(0);
}

/** The fields with a length; others are passed over. */
function decodeFields(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('it ends in the middle');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new Error('it has a number that is too long');
  };
  while (at < bytes.length) {
    const tag = readVarint();
    const kind = tag % 8;
    const length = kind === LENGTH_DELIMITED ? readVarint() : kind === 1 ? 8 : kind === 5 ? 4 : 0;
    if (kind === 0) readVarint();
    else if (length === 0 && kind !== LENGTH_DELIMITED) throw new Error('it has a field of an unknown kind');
    if (at + length > bytes.length) throw new Error('it ends in the middle');
    if (kind === LENGTH_DELIMITED)
      fields.push({ number: Math.floor(tag / 8), bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return fields;
}
