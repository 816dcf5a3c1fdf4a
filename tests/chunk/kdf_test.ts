// Keys from passphrases: official results, both implementations, and limits that hold before any work.
import fc from "fast-check";
import {
  checkKdf,
  deriveKey,
  deriveNatively,
  derivePortably,
  type Kdf,
  newKdf,
  passphraseBytes,
} from "@pxar/chunk/kdf";
import { decodeKeyFile } from "@pxar/chunk/key_file";
import { FormatError } from "@pxar/format/errors";
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { hex, KEYS, keyText } from "./keys.ts";

const locked = [...KEYS.keys, ...KEYS.commandLine].filter((one) =>
  one.derivedKey
);

for (const { file, passphrase, derivedKey } of locked) {
  Deno.test(`deriveKey() gives the official key for ${file}`, async () => {
    const kdf = decodeKeyFile(keyText(file)).kdf!;
    assertEquals(hex(await deriveKey(kdf, passphrase)), derivedKey);
    const secret = passphraseBytes(passphrase);
    assertEquals(hex(await deriveKey(kdf, secret)), derivedKey);
    assertEquals(hex(await deriveNatively(kdf, secret)), derivedKey);
  });
}

Deno.test("derivePortably() gives the same keys without node:crypto", async () => {
  for (const { file, passphrase, derivedKey } of locked) {
    if (!file.includes("-small") && file !== "pbkdf2.json") continue;
    const kdf = decodeKeyFile(keyText(file)).kdf!;
    const secret = passphraseBytes(passphrase);
    assertEquals(hex(await derivePortably(kdf, secret)), derivedKey);
  }
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 80 }),
      fc.oneof(
        fc.record({
          kind: fc.constant("pbkdf2" as const),
          iterations: fc.integer({ min: 1, max: 40 }),
        }),
        fc.record({
          kind: fc.constant("scrypt" as const),
          n: fc.integer({ min: 1, max: 6 }).map((bits) => 2 ** bits),
          r: fc.integer({ min: 1, max: 9 }),
          p: fc.integer({ min: 1, max: 4 }),
        }),
      ),
      async (salt, secret, parameters) => {
        const kdf: Kdf = { ...parameters, salt: Uint8Array.from(salt) };
        const bytes = Uint8Array.from(secret);
        assertEquals(
          await derivePortably(kdf, bytes),
          await deriveNatively(kdf, bytes),
        );
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("newKdf() has the official parameters, and a new salt every time", () => {
  const { salt, ...scrypt } = newKdf("scrypt");
  assertEquals(scrypt, { kind: "scrypt", n: 65536, r: 8, p: 1 } as object);
  assertEquals(salt.length, 32);
  const { salt: other, ...pbkdf2 } = newKdf("pbkdf2");
  assertEquals(pbkdf2, { kind: "pbkdf2", iterations: 65535 } as object);
  assertEquals(other.length, 32);
  assertNotEquals(salt, other);
});

const salt = new Uint8Array(32);
const BAD: readonly Kdf[] = [
  { kind: "pbkdf2", iterations: 0, salt },
  { kind: "pbkdf2", iterations: -1, salt },
  { kind: "pbkdf2", iterations: 1.5, salt },
  { kind: "pbkdf2", iterations: 10_000_001, salt },
  { kind: "pbkdf2", iterations: 2 ** 53, salt },
  { kind: "scrypt", n: 0, r: 8, p: 1, salt },
  { kind: "scrypt", n: 1, r: 8, p: 1, salt },
  { kind: "scrypt", n: 1000, r: 8, p: 1, salt },
  { kind: "scrypt", n: 65536, r: 0, p: 1, salt },
  { kind: "scrypt", n: 65536, r: 8, p: 0, salt },
  { kind: "scrypt", n: 65536, r: 1, p: 1, salt },
  { kind: "scrypt", n: 2 ** 21, r: 8, p: 1, salt },
  { kind: "scrypt", n: 2, r: 2 ** 23, p: 1, salt },
  { kind: "scrypt", n: 65536, r: 8, p: 33, salt },
  { kind: "scrypt", n: 2, r: 1, p: 2 ** 30, salt },
  { kind: "scrypt", n: 2 ** 52, r: 2 ** 50, p: 2 ** 52, salt },
  { kind: "scrypt", n: NaN, r: 8, p: 1, salt },
];

for (const kdf of BAD) {
  const { salt: _, ...shown } = kdf;
  Deno.test(`checkKdf() refuses ${JSON.stringify(shown)}`, async () => {
    assertThrows(() => checkKdf(kdf), FormatError, "Cannot derive key");
    await assertRejects(() => deriveKey(kdf, "secret"), FormatError);
  });
}

Deno.test("checkKdf() takes as much memory as the official client does", () => {
  checkKdf({ kind: "scrypt", n: 2 ** 20, r: 8, p: 1, salt });
  checkKdf({ kind: "pbkdf2", iterations: 10_000_000, salt });
  assert(true);
});
