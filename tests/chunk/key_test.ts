import { pbkdf2Sync } from "node:crypto";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import {
  CryptKey,
  fingerprintText,
  parseFingerprint,
  shortFingerprint,
} from "@pxar/chunk/key";
import { FormatError } from "@pxar/format/errors";
import fc from "fast-check";
import {
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "../support/assert.ts";
import { hex } from "../support/codecs.ts";

interface RawKey {
  readonly key: string;
  readonly idKey: string;
  readonly fingerprint: string;
  readonly fingerprintShort: string;
  readonly authTagOfAbc: string;
  readonly digestOfAbc: string;
}
interface FingerprintCase {
  readonly text: string;
  readonly fromStr: {
    readonly ok?: { readonly long: string; readonly short: string };
  };
}
const read = (name: string) =>
  JSON.parse(
    Deno.readTextFileSync(new URL(`../vectors/store/${name}`, import.meta.url)),
  );
const ABC = new TextEncoder().encode("abc");

Deno.test("CryptKey has the official id key, fingerprint, tags and digests", () => {
  const { rawKeys }: { rawKeys: readonly RawKey[] } = read("keys/keys.json");
  assertEquals(rawKeys.length, 4);
  for (const row of rawKeys) {
    const key = CryptKey.of(hex(row.key));
    assertEquals(hexOf(key.key), row.key);
    assertEquals(hexOf(key.idKey), row.idKey);
    assertEquals(fingerprintText(key.fingerprint), row.fingerprint);
    assertEquals(shortFingerprint(key.fingerprint), row.fingerprintShort);
    assertEquals(hexOf(key.authTag(ABC)), row.authTagOfAbc);
    assertEquals(
      hexOf(key.authTag(ABC.subarray(0, 1), ABC.subarray(1))),
      row.authTagOfAbc,
    );
    assertEquals(hexOf(digestOf(ABC, key)), row.digestOfAbc);
  }
});

Deno.test("CryptKey has the values of the specification", () => {
  const key = CryptKey.of(Uint8Array.from({ length: 32 }, (_, i) => i));
  assertEquals(
    hexOf(key.idKey),
    "7c2c013efd07f3b25717a485263343cd4d292a4b65c200bb3b18ea227abe225c",
  );
  assertEquals(
    hexOf(key.fingerprint),
    "0eabd4460b6eb9ca345023dee2b778c790e54a1683b9659c0a57ae199090159b",
  );
});

Deno.test("the id key is what node:crypto's PBKDF2 gives", () => {
  const any = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(any, (bytes) => {
      const key = CryptKey.of(Uint8Array.from(bytes));
      const idKey = pbkdf2Sync(bytes, "_id_key", 10, 32, "sha256");
      assertEquals(hexOf(key.idKey), idKey.toString("hex"));
    }),
    { numRuns: 20 },
  );
});

Deno.test("CryptKey copies the bytes it is made of, and takes 32", () => {
  const bytes = new Uint8Array(32).fill(1);
  const key = CryptKey.of(bytes);
  bytes.fill(2);
  assertEquals(key.key, new Uint8Array(32).fill(1));
  assertNotEquals(key.idKey, CryptKey.of(bytes).idKey);
  for (const size of [0, 16, 31, 33, 64]) {
    assertThrows(
      () => CryptKey.of(new Uint8Array(size)),
      RangeError,
      `has ${size} bytes, expected 32`,
    );
  }
});

Deno.test("parseFingerprint() takes what the official client takes", () => {
  const { fingerprint: cases }: { fingerprint: readonly FingerprintCase[] } =
    read("ids.json");
  for (const { text, fromStr: { ok } } of cases) {
    if (ok === undefined) {
      assertThrows(() => parseFingerprint(text), FormatError, "", text);
    } else {
      const fingerprint = parseFingerprint(text);
      assertEquals(fingerprintText(fingerprint), ok.long, text);
      assertEquals(shortFingerprint(fingerprint), ok.short, text);
    }
  }
});

Deno.test("parseFingerprint() is the inverse of fingerprintText()", () => {
  const any = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(fc.property(any, (bytes) => {
    const fingerprint = Uint8Array.from(bytes);
    const text = fingerprintText(fingerprint);
    assertEquals(parseFingerprint(text), fingerprint);
    assertEquals(parseFingerprint(text.toUpperCase()), fingerprint);
  }));
  assertThrows(() => parseFingerprint("🦆".repeat(1000)), FormatError);
});
