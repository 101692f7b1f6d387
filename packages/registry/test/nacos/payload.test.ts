import fc from 'fast-check';
import { FrameReader, frame } from '../../src/nacos/grpc-frames.js';
import { decodePayload, encodePayload } from '../../src/nacos/payload.js';

test('what is written is read again, headers aside', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 300 });
  fc.assert(
    fc.property(
      anyText,
      fc.dictionary(anyText, anyText),
      fc.dictionary(anyText, anyText),
      (type, headers, fields) => {
        const body = JSON.parse(JSON.stringify(fields));
        fc.pre(type !== '');
        expect(decodePayload(encodePayload({ type, headers, body }))).toEqual({ type, body });
      },
    ),
  );
});

test('the bytes are those of the Java client', () => {
  const bytes = encodePayload({ type: 'T', headers: { a: 'b' }, body: { x: 1 } });
  expect(bytes.toString('hex')).toBe(
    // metadata { type: "T", headers: { a: "b" } }, body { value: '{"x":1}' }
    [
      '120b',
      '1a0154',
      '3a06',
      '0a0161',
      '120162',
      '1a09',
      '1207',
      Buffer.from('{"x":1}').toString('hex'),
    ].join(''),
  );
});

test('hostile bytes are an error, and never hang', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        expect(typeof decodePayload(Buffer.from(bytes)).body).toBe('object');
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('messages are whole, wherever the stream is cut', () => {
  const anyMessages = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 });
  fc.assert(
    fc.property(anyMessages, fc.integer({ min: 1, max: 60 }), (messages, step) => {
      const bytes = Buffer.concat(messages.map((message) => frame(Buffer.from(message))));
      const reader = new FrameReader();
      const read: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += step)
        read.push(...reader.read(bytes.subarray(at, at + step)));
      expect(read.map((message) => [...message])).toEqual(messages.map((message) => [...message]));
    }),
  );
});

test.each([
  ['compressed', [1, 0, 0, 0, 0]],
  ['of 4 GiB', [0, 255, 255, 255, 255]],
])('a message %s is refused', (_what, bytes) => {
  expect(() => new FrameReader().read(Buffer.from(bytes))).toThrow('no gRPC message');
});
