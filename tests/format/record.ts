// One record at a time: what an encoder writes, and a reader that stands on its content.
import { ByteReader, type Bytes, ByteWriter } from "@pxar/format/bytes";
import { PxarError } from "@pxar/format/errors";
import { decodeHeader, HEADER_SIZE, type Item, ITEMS } from "@pxar/format/item";
import fc from "fast-check";
import { assert, assertEquals } from "../support/assert.ts";

const TEXT = new TextEncoder();

/** Text as bytes. */
export function utf8(text: string): Bytes {
  return TEXT.encode(text);
}

/** Bytes from hexadecimal digits, spaces between them as one likes. */
export function hex(text: string): Bytes {
  return Uint8Array.from(
    text.match(/[0-9a-f]{2}/g) ?? [],
    (pair) => parseInt(pair, 16),
  );
}

/** Numbers as u64s, one after the other. */
export function u64s(...values: bigint[]): Bytes {
  return new Uint8Array(BigUint64Array.from(values).buffer);
}

/** Exactly what `encode` writes. */
export function written(
  encode: (writer: ByteWriter) => void,
  room = 200_000,
): Bytes {
  const writer = new ByteWriter(new Uint8Array(room));
  encode(writer);
  return writer.written.slice();
}

/** A reader windowed on the content of one whole record, whose header must say so. */
export function contentOf(record: Bytes, item: Item): ByteReader {
  const reader = new ByteReader(record);
  assertEquals(decodeHeader(reader, { item: ITEMS.ENTRY, size: 0 }), {
    item,
    size: record.length - HEADER_SIZE,
  });
  reader.window(HEADER_SIZE, record.length, 0);
  return reader;
}

/** Bytes of `length`, or up to it, without NUL. */
export function noNul(
  minLength: number,
  maxLength: number,
): fc.Arbitrary<Bytes> {
  return fc.array(fc.integer({ min: 1, max: 255 }), { minLength, maxLength })
    .map((bytes) => Uint8Array.from(bytes));
}

/** Any bytes. */
export function anyBytes(maxLength: number): fc.Arbitrary<Bytes> {
  return fc.uint8Array({ maxLength }).map((bytes) => Uint8Array.from(bytes));
}

/** 0 to 2^53 - 1, small ones and the ends more often. */
export const SAFE: fc.Arbitrary<number> = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.constant(Number.MAX_SAFE_INTEGER),
);

/**
 * Feeds `decode` the content of good records cut short, with bytes changed, and content that is nothing but noise:
 * it must return, or throw a {@linkcode PxarError}.
 */
export function hurt(
  good: readonly Bytes[],
  decode: (reader: ByteReader) => unknown,
): void {
  const content = fc.oneof(
    anyBytes(80),
    fc.constantFrom(...good).chain((record) =>
      fc.nat(record.length).map((length) => record.slice(HEADER_SIZE, length))
    ),
    fc.tuple(
      fc.constantFrom(...good),
      fc.array(fc.tuple(fc.nat(300), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      }),
    )
      .map(([record, changes]) => {
        const content = record.slice(HEADER_SIZE);
        for (const [at, byte] of changes) {
          if (content.length > 0) content[at % content.length] = byte;
        }
        return content;
      }),
  );
  fc.assert(
    fc.property(content, (content) => {
      try {
        decode(new ByteReader(content, 1000));
      } catch (error) {
        assert(error instanceof PxarError, `not a PxarError: ${error}`);
      }
    }),
    { numRuns: 500 },
  );
}
