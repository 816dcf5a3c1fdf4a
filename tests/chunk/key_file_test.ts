// Key files: every official one, every official refusal, and what no client wrote.
import fc from "fast-check";
import { CryptKey, fingerprintText } from "@pxar/chunk/key";
import {
  createKeyFile,
  decodeKeyFile,
  encodeKeyFile,
  openKeyFile,
} from "@pxar/chunk/key_file";
import type { Kdf } from "@pxar/chunk/kdf";
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  IntegrityError,
  KeyError,
  PxarError,
} from "@pxar/format/errors";
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { hex, KEYS, keyText, PBS_KEY_FOLDER } from "./keys.ts";

for (const expected of [...KEYS.keys, ...KEYS.commandLine]) {
  const { file: name, passphrase, decrypted } = expected;
  Deno.test(`openKeyFile() opens ${name}`, async () => {
    const text = keyText(name);
    const file = decodeKeyFile(text);
    assertEquals(file.kdf?.kind ?? "none", expected.kdf);
    assertEquals(file.fingerprint !== undefined, expected.hasFingerprint);
    const opened = await openKeyFile(text, passphrase);
    assertEquals(hex(opened.key.key), decrypted.key);
    assertEquals(hex(opened.key.idKey), decrypted.idKey);
    assertEquals(fingerprintText(opened.fingerprint), decrypted.fingerprint);
    assertEquals(opened.created, expected.created);
    assertEquals(opened.modified, expected.modified);
    assertEquals(opened.hint ?? null, expected.hint);
    if (passphrase !== "") {
      await assertRejects(
        () => openKeyFile(text, `${passphrase}?`),
        KeyError,
        "the passphrase is not the one",
      );
      await assertRejects(() => openKeyFile(text), KeyError, "it is locked");
    }
  });

  Deno.test(`encodeKeyFile() writes ${name} as it is`, () => {
    const text = keyText(name);
    const timeless = (text: string) =>
      text.replace(/"(created|modified)":"[^"]*"/g, "$1");
    const written = encodeKeyFile(decodeKeyFile(text));
    // Times are written by the clock here.
    assertEquals(timeless(written), timeless(text));
    assertEquals(decodeKeyFile(written), decodeKeyFile(text));
    assertEquals(
      decodeKeyFile(encodeKeyFile(decodeKeyFile(text), "pretty")),
      decodeKeyFile(text),
    );
  });
}

for (const { name, text, passphrase, result } of KEYS.texts) {
  Deno.test(`openKeyFile() on the official case "${name}"`, async () => {
    if (result.ok !== undefined) {
      const { key, created, fingerprint } = await openKeyFile(text, passphrase);
      assertEquals(created, result.ok.created);
      assertEquals(hex(key.key), result.ok.key);
      assertEquals(fingerprintText(fingerprint), result.ok.fingerprint);
      return;
    }
    const kind = name.includes("passphrase")
      ? KeyError
      : name === "wrong fingerprint"
      ? IntegrityError
      : FormatError;
    await assertRejects<PxarError>(() => openKeyFile(text, passphrase), kind);
  });
}

for (
  const [name, passphrase, fingerprint] of [
    ["enc.json", "vector-pass-1", "95:c6:f5:fa:ec:c0:06:11"],
    ["pbkdf2.json", "vector-pass-1", "f2:24:58:7f:35:d7:05:c9"],
    ["none.json", undefined, "3e:e5:0a:8f:de:48:84:00"],
  ] as const
) {
  Deno.test(`openKeyFile() opens ${name} of the golden datastores`, async () => {
    const text = Deno.readTextFileSync(new URL(name, PBS_KEY_FOLDER));
    const opened = await openKeyFile(text, passphrase);
    assert(fingerprintText(opened.fingerprint).startsWith(fingerprint));
    assertEquals(encodeKeyFile(decodeKeyFile(text)).length, text.length);
  });
}

Deno.test("openKeyFile() says the hint when the passphrase is wrong", async () => {
  await assertRejects(
    () => openKeyFile(keyText("cli-scrypt.json"), "not that one"),
    KeyError,
    "(hint: a hint)",
  );
});

const CHEAP: readonly ("none" | Omit<Kdf, "salt">)[] = [
  "none",
  { kind: "scrypt", n: 16, r: 1, p: 1 } as Omit<Kdf, "salt">,
  { kind: "scrypt", n: 64, r: 2, p: 3 } as Omit<Kdf, "salt">,
  { kind: "pbkdf2", iterations: 3 } as Omit<Kdf, "salt">,
];
const someKey = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) =>
  CryptKey.of(Uint8Array.from(bytes))
);
const someTime = fc.integer({ min: -62135500000, max: 253402200000 });
const somePassphrase = fc.oneof(
  fc.string({ minLength: 5 }),
  fc.uint8Array({ minLength: 5, maxLength: 80 }).map((bytes): Bytes =>
    Uint8Array.from(bytes)
  ),
);
const someHint = fc.option(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((text) =>
    [...text].length <= 64 && !/[\p{Cc}\p{Cs}]/u.test(text)
  ),
  { nil: undefined },
);

Deno.test("openKeyFile() is the inverse of createKeyFile(), through text", async () => {
  await fc.assert(
    fc.asyncProperty(
      someKey,
      somePassphrase,
      fc.constantFrom(...CHEAP),
      fc.uint8Array({ maxLength: 40 }),
      someTime,
      someTime,
      someHint,
      async (key, passphrase, cheap, salt, created, modified, hint) => {
        const open = cheap === "none";
        const kdf = open
          ? cheap
          : { ...cheap, salt: Uint8Array.from(salt) } as Kdf;
        const file = await createKeyFile(key, open ? undefined : passphrase, {
          kdf,
          hint: open ? undefined : hint,
          created,
          modified,
        });
        const text = encodeKeyFile(file);
        assertEquals(decodeKeyFile(text), file);
        const opened = await openKeyFile(text, passphrase);
        assertEquals(opened.key.key, key.key);
        assertEquals(
          [opened.created, opened.modified, opened.hint],
          [created, modified, file.hint],
        );
        assertEquals(opened.fingerprint, key.fingerprint);
        assert(!open === !text.includes('"kdf":null'));
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("createKeyFile() locks with scrypt and PBKDF2 as the official client does", async () => {
  const key = CryptKey.of(crypto.getRandomValues(new Uint8Array(32)));
  for (const kdf of ["scrypt", "pbkdf2", undefined] as const) {
    const before = Math.floor(Date.now() / 1000);
    const file = await createKeyFile(key, "a passphrase", { kdf });
    assert(file.created >= before && file.created <= Date.now() / 1000);
    assertEquals(file.modified, file.created);
    assertEquals(file.data.length, 64);
    assertEquals(file.kdf?.kind, kdf ?? "scrypt");
    const again = await createKeyFile(key, "a passphrase", { kdf });
    assertNotEquals(again.data, file.data);
    assertNotEquals(again.kdf?.salt, file.kdf?.salt);
    assertEquals((await openKeyFile(file, "a passphrase")).key.key, key.key);
  }
  const open = await createKeyFile(key, undefined);
  assertEquals(open.kdf, undefined);
  assertEquals(open.data, key.key);
});

Deno.test("createKeyFile() refuses what its caller got wrong", async () => {
  const key = CryptKey.of(new Uint8Array(32));
  await assertRejects(() => createKeyFile(key, "1234"), RangeError, "4 bytes");
  await assertRejects(
    () => createKeyFile(key, "12345", { kdf: "none" }),
    TypeError,
  );
  await assertRejects(
    () => createKeyFile(key, undefined, { kdf: "scrypt" }),
    TypeError,
  );
  await assertRejects(
    () => createKeyFile(key, undefined, { hint: "none" }),
    TypeError,
  );
  for (const hint of ["", "a\nb", "x".repeat(65), "\x7f", "\ud800"]) {
    await assertRejects(
      () => createKeyFile(key, "12345", { hint }),
      RangeError,
      "the hint",
    );
  }
  assertEquals(
    (await createKeyFile(key, "12345", {
      hint: "😀".repeat(64),
      kdf: { kind: "pbkdf2", iterations: 1, salt: new Uint8Array() },
    })).hint,
    "😀".repeat(64),
  );
});

const GOOD = {
  kdf: null,
  created: "2020-06-26T13:56:05+00:00",
  modified: "2020-06-26T13:56:05+00:00",
  data: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
};
const SCRYPT = { n: 16, r: 1, p: 1, salt: "AAAA" };

Deno.test("decodeKeyFile() refuses what no client writes", () => {
  const bad: readonly (readonly [unknown, string])[] = [
    [null, "it is null"],
    [[], "it is an array"],
    [1, "it is of type number"],
    [{ ...GOOD, data: undefined }, "data is missing"],
    [{ ...GOOD, data: 5 }, "data is of type number"],
    [{ ...GOOD, data: "AAECAw=" }, "not base64"],
    [{ ...GOOD, data: "A" }, "not base64"],
    [{ ...GOOD, data: GOOD.data.replace("8=", "9=") }, "not base64"],
    [{ ...GOOD, data: ` ${GOOD.data}` }, "not base64"],
    [{ ...GOOD, data: "" }, "data have 0 bytes"],
    [{ ...GOOD, created: 1 }, "created is of type number"],
    [{ ...GOOD, created: "2020-02-30T00:00:00Z" }, "created is"],
    [{ ...GOOD, modified: "0000-01-01T00:00:00+23:59" }, "modified is"],
    [{ ...GOOD, modified: null }, "modified is null"],
    [{ ...GOOD, fingerprint: "00" }, "fingerprint"],
    [{ ...GOOD, fingerprint: 7 }, "fingerprint"],
    [{ ...GOOD, hint: "" }, "hint has 0 letters"],
    [{ ...GOOD, hint: "a".repeat(65) }, "hint has 65 letters"],
    [{ ...GOOD, hint: "a\nb" }, "hint has control characters"],
    [{ ...GOOD, hint: 1 }, "hint is of type number"],
    [{ ...GOOD, kdf: {} }, "kdf is"],
    [{ ...GOOD, kdf: "Scrypt" }, "kdf is of type string"],
    [{ ...GOOD, kdf: { Scrypt: SCRYPT, PBKDF2: {} } }, "kdf is"],
    [{ ...GOOD, kdf: { Scrypt: null } }, "Scrypt is null"],
    [{ ...GOOD, kdf: { Scrypt: { ...SCRYPT, n: "16" } } }, "n is of type"],
    [{ ...GOOD, kdf: { Scrypt: { ...SCRYPT, n: 16.5 } } }, "n is 16.5"],
    [{ ...GOOD, kdf: { Scrypt: { ...SCRYPT, r: -1 } } }, "r is -1"],
    [{ ...GOOD, kdf: { Scrypt: { ...SCRYPT, p: 2 ** 60 } } }, "p is"],
    [{ ...GOOD, kdf: { Scrypt: { ...SCRYPT, salt: "-_" } } }, "not base64"],
    [{ ...GOOD, kdf: { Scrypt: { n: 16, r: 1, p: 1 } } }, "salt is missing"],
    [{ ...GOOD, kdf: { Scrypt: SCRYPT } }, "data have 32 bytes, expected 64"],
    [{ ...GOOD, kdf: { PBKDF2: { iter: 1e15, salt: "" } } }, "rounds"],
    [{ ...GOOD, kdf: { constructor: {} } }, "kdf is"],
  ];
  for (const [value, says] of bad) {
    const text = JSON.stringify(value);
    assertThrows(() => decodeKeyFile(text), FormatError, says);
  }
  assertEquals(decodeKeyFile(JSON.stringify(GOOD)).hint, undefined);
  assertThrows(() => decodeKeyFile('{"__proto__":1}'), FormatError);
});

Deno.test("decodeKeyFile() refuses long and deep texts", () => {
  const long = JSON.stringify({ ...GOOD, more: "x".repeat(1 << 16) });
  assertThrows(() => decodeKeyFile(long), FormatError, "letters");
  const deep = "[".repeat(30000) + "]".repeat(30000);
  assertThrows(() => decodeKeyFile(deep), FormatError, "it is an array");
  const within = JSON.stringify(GOOD).replace("{", `{"more":${deep},`);
  assertEquals(decodeKeyFile(within), decodeKeyFile(JSON.stringify(GOOD)));
  assertThrows(() => decodeKeyFile("[".repeat(60000)), FormatError);
});

Deno.test("openKeyFile() on cut, changed and random texts ends in a PxarError", async () => {
  const small = keyText("scrypt-small.json");
  const tried = async (text: string) => {
    try {
      return (await openKeyFile(text, "other parameters")).key;
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      return undefined;
    }
  };
  for (let length = 0; length < small.length; length++) {
    assertEquals(await tried(small.slice(0, length)), undefined);
  }
  const right = (await openKeyFile(small, "other parameters")).key.key;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(small.length - 1),
      fc.string({ minLength: 0, maxLength: 3 }),
      async (at, letters) => {
        const text = small.slice(0, at) + letters + small.slice(at + 1);
        const key = await tried(text);
        // Where it opens, it is the key: the fingerprint vouches for that.
        if (key !== undefined && text.includes('"fingerprint":')) {
          assertEquals(key.key, right);
        }
      },
    ),
    { numRuns: 300 },
  );
  await fc.assert(fc.asyncProperty(fc.string(), async (text) => {
    assertEquals(await tried(text), undefined);
  }));
  await fc.assert(fc.asyncProperty(fc.json(), async (text) => {
    assertEquals(await tried(text), undefined);
  }));
});

Deno.test("openKeyFile() takes no damaged data for the key", async () => {
  const file = decodeKeyFile(keyText("pbkdf2-small.json"));
  for (let at = 0; at < file.data.length; at++) {
    const data = file.data.slice();
    data[at]! ^= 1 << (at % 8);
    await assertRejects(
      () => openKeyFile({ ...file, data }, "other parameters"),
      KeyError,
    );
  }
  const open = decodeKeyFile(keyText("none.json"));
  for (let at = 0; at < open.data.length; at++) {
    const data = open.data.slice();
    data[at]! ^= 1 << (at % 8);
    const error = await assertRejects(
      () => openKeyFile({ ...open, data }),
      IntegrityError,
    );
    assertEquals(error.expected, fingerprintText(open.fingerprint!));
  }
});
