import type { BrokerLike } from '../client-types.js';

/*
 * KafkaJS (2.2.4) asks for metadata in version 6, which tells no ids of topics. Version 12 does (KIP-516, brokers from
 * 3.1 on), so this one request is made here. The layout is that of Kafka's MetadataRequest.json and
 * MetadataResponse.json: compact strings and arrays, whose length is written plus one, and tagged fields.
 */

const METADATA = 3;
const VERSION = 12;
const NO_ID = '0'.repeat(32);

/** What one broker says of a topic. It may not have heard of the latest yet. */
export interface TopicAnswer {
  /**
   * A topic that is deleted and made again does not have it again. `undefined` where the topic is not there, or the broker or
   * the client does not tell.
   */
  readonly id: string | undefined;
  /** The ids of all brokers, as this one knows them. */
  readonly brokers: readonly number[];
}

const NO_ANSWER: TopicAnswer = Object.freeze({ id: undefined, brokers: [] });

/** @param broker one that is connected, as the client's cluster gives it. */
export async function topicAt(broker: BrokerLike, topic: string): Promise<TopicAnswer> {
  const { connectionPool, versions } = broker;
  if (broker.topicId !== undefined) return { id: await broker.topicId(topic), brokers: [] };
  if (typeof connectionPool?.send !== 'function') return NO_ANSWER;
  if ((versions?.[METADATA]?.maxVersion ?? 0) < VERSION) return NO_ANSWER;
  return connectionPool.send({
    request: {
      apiKey: METADATA,
      apiName: 'Metadata',
      apiVersion: VERSION,
      encode: async () => encoderOf(metadataRequest(topic)),
    },
    response: {
      decode: async (payload) => payload,
      parse: async (payload) => parseAnswer(payload),
    },
  });
}

/** As much of KafkaJS's encoder as it takes from a request. */
function encoderOf(buffer: Buffer): { readonly buf: Buffer; readonly buffer: Buffer } {
  return { buf: buffer, buffer };
}

function metadataRequest(topic: string): Buffer {
  const name = Buffer.from(topic);
  return Buffer.concat([
    Buffer.from([0]), // tags of the request's header, which KafkaJS does not write
    Buffer.from([2]), // one topic: its id, which is asked for, its name, its tags
    Buffer.alloc(16),
    Buffer.from(unsignedVarint(name.length + 1)),
    name,
    Buffer.from([0]),
    Buffer.from([0, 0, 0]), // it is not to be made; no authorized operations; tags
  ]);
}

function unsignedVarint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsignedVarint(value >>> 7)];
}

/** Reads up to the id of the one topic. */
function parseAnswer(payload: Buffer): TopicAnswer {
  const reader = new Reader(payload);
  reader.tags();
  reader.skip(4); // throttle time
  const brokers: number[] = [];
  for (let left = reader.length(); left > 0; left--) {
    brokers.push(reader.int32());
    reader.string();
    reader.skip(4); // port
    reader.string(); // rack
    reader.tags();
  }
  reader.string(); // cluster id
  reader.skip(4); // controller
  if (reader.length() === 0) return { id: undefined, brokers };
  const error = reader.int16();
  reader.string();
  const id = reader.hex(16);
  return { id: error === 0 && id !== NO_ID ? id : undefined, brokers };
}

class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.#buffer.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#buffer.readInt32BE(this.#at - 4);
  }

  /** Of a compact array or string; 0 for none. */
  length(): number {
    return Math.max(0, this.#unsignedVarint() - 1);
  }

  string(): void {
    this.skip(this.length());
  }

  hex(bytes: number): string {
    this.#at += bytes;
    return this.#buffer.toString('hex', this.#at - bytes, this.#at);
  }

  tags(): void {
    for (let tags = this.#unsignedVarint(); tags > 0; tags--) {
      this.#unsignedVarint();
      this.skip(this.#unsignedVarint());
    }
  }

  #unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#buffer.readUInt8(this.#at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}
