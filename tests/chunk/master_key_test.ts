// Master keys: the official pair and its locked key, ours, and what is neither.
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { CryptKey, fingerprintText } from "@pxar/chunk/key";
import {
  createMasterKey,
  isLockedPem,
  MIN_MASTER_BITS,
  openKey,
  readMasterPublicKey,
  sealKey,
} from "@pxar/chunk/master_key";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, KeyError, PxarError } from "@pxar/format/errors";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { hex, KEY_FOLDER, keyText, PBS_KEY_FOLDER } from "./keys.ts";

interface Rsa {
  readonly bits: number;
  readonly ciphertext: string;
  readonly created: number;
  readonly fingerprint: string;
  readonly key: string;
  readonly plaintext: string;
  readonly privatePassphrase: string;
  readonly privatePemEncrypted: string;
  readonly publicPem: string;
}

const RSA: Rsa = JSON.parse(keyText("rsa.json"));
const PUBLIC = keyText(RSA.publicPem);
const PRIVATE = keyText(RSA.privatePemEncrypted);
const BLOCK: Bytes = Deno.readFileSync(new URL(RSA.ciphertext, KEY_FOLDER));
const pbs = (name: string) =>
  Deno.readTextFileSync(new URL(name, PBS_KEY_FOLDER));

Deno.test("openKey() opens what the official client locked", async () => {
  const opened = await openKey(BLOCK, PRIVATE, RSA.privatePassphrase);
  assertEquals(hex(opened.key.key), RSA.key);
  assertEquals(opened.created, RSA.created);
  assertEquals(opened.modified, 1700000000);
  assertEquals(fingerprintText(opened.fingerprint), RSA.fingerprint);
  assertEquals(opened.hint, undefined);
});

Deno.test("sealKey() locks what openKey() opens, in a block as long as the modulus", async () => {
  const key = CryptKey.of(crypto.getRandomValues(new Uint8Array(32)));
  const times = { created: 12345, modified: 1700000000 };
  const block = await sealKey(key, PUBLIC, times);
  assertEquals(block.length, RSA.bits / 8);
  const opened = await openKey(block, PRIVATE, RSA.privatePassphrase);
  assertEquals(opened.key.key, key.key);
  assertEquals(
    [opened.created, opened.modified],
    [times.created, times.modified],
  );
  assertNotEquals(await sealKey(key, PUBLIC, times), block);
});

Deno.test("sealKey() locks the very text that the official client locks", async () => {
  const key = CryptKey.of(
    Uint8Array.from({ length: 32 }, (_, at) => at),
  );
  const { created } = RSA;
  const block = await sealKey(key, PUBLIC, { created, modified: 1700000000 });
  const { constants, privateDecrypt } = await import("node:crypto");
  const text = new TextDecoder().decode(privateDecrypt({
    key: createPrivateKey({
      key: PRIVATE,
      passphrase: RSA.privatePassphrase,
    }),
    padding: constants.RSA_PKCS1_PADDING,
  }, block));
  const timeless = (text: string) =>
    text.replace(/"(created|modified)":"[^"]*"/g, "$1");
  assertEquals(timeless(text), timeless(RSA.plaintext));
});

Deno.test("readMasterPublicKey() says what the official client says", () => {
  const { bits, exponent, modulus, pem } = readMasterPublicKey(
    pbs("master-public.pem"),
  );
  assertEquals([bits, exponent], [4096, 65537n]);
  const shown = /│ modulus {2}│ ([0-9A-F]+) │/.exec(
    Deno.readTextFileSync(
      new URL("../vectors/pbs/client/keys.txt", import.meta.url),
    ),
  )!;
  assertEquals(modulus, shown[1]);
  assertEquals(pem, pbs("master-public.pem"));
});

Deno.test("createMasterKey() makes a pair as the official client does", async () => {
  const { publicPem, privatePem } = await createMasterKey("its passphrase");
  assertMatch(publicPem, /^-----BEGIN PUBLIC KEY-----\n/);
  assertMatch(privatePem, /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
  assertEquals(readMasterPublicKey(publicPem).bits, 4096);
  assertEquals(readMasterPublicKey(publicPem).exponent, 65537n);
  // PBES2 with AES-256-CBC: 1.2.840.113549.1.5.13 and 2.16.840.1.101.3.4.1.42.
  const der = Uint8Array.from(
    atob(privatePem.replace(/-----.*-----|\n/g, "")),
    (letter) => letter.charCodeAt(0),
  );
  const head = hex(der.subarray(0, 120));
  assert(head.includes("06092a864886f70d01050d"), head);
  assert(head.includes("060960864801650304012a"), head);
  assert(isLockedPem(privatePem));
  const key = CryptKey.of(new Uint8Array(32).fill(9));
  const block = await sealKey(key, publicPem);
  const opened = await openKey(block, privatePem, "its passphrase");
  assertEquals(opened.key.key, key.key);
  await assertRejects(
    () => openKey(block, privatePem, "another one"),
    KeyError,
    "the passphrase is not the one",
  );
  // Another master key's block: OpenSSL gives random bytes for it.
  await assertRejects(
    () => openKey(BLOCK, privatePem, "its passphrase"),
    KeyError,
    "another master key",
  );
  await assertRejects(() => createMasterKey("1234"), RangeError, "4 bytes");
});

Deno.test("openKey() tells a wrong passphrase from a missing one", async () => {
  await assertRejects(
    () => openKey(BLOCK, PRIVATE, "wrong"),
    KeyError,
    "the passphrase is not the one",
  );
  await assertRejects(
    () => openKey(BLOCK, PRIVATE, ""),
    KeyError,
    "the passphrase is not the one",
  );
  await assertRejects(() => openKey(BLOCK, PRIVATE), KeyError, "it is locked");
});

Deno.test("openKey() opens with private keys in other forms", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2560,
  });
  const key = CryptKey.of(new Uint8Array(32).fill(1));
  const publicPem = publicKey.export({ type: "spki", format: "pem" });
  const block = await sealKey(key, publicPem.toString());
  for (const type of ["pkcs8", "pkcs1"] as const) {
    const pem = privateKey.export({ type, format: "pem" }).toString();
    assert(!isLockedPem(pem));
    const opened = await openKey(block, pem.replaceAll("\n", "\r\n"));
    assertEquals(opened.key.key, key.key);
    assertEquals((await openKey(block, `text\n${pem}`)).key.key, key.key);
  }
});

Deno.test("sealKey() refuses a modulus that is too short, and says so", async () => {
  const key = CryptKey.of(new Uint8Array(32));
  for (
    const [modulusLength, fits] of [[2048, false], [MIN_MASTER_BITS, true]]
  ) {
    const { publicKey } = generateKeyPairSync("rsa", {
      modulusLength: modulusLength as number,
    });
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    if (fits) {
      assertEquals(
        (await sealKey(key, pem)).length,
        MIN_MASTER_BITS / 8,
      );
    } else {
      await assertRejects(
        () => sealKey(key, pem),
        KeyError,
        "the master key of 2048 bits takes 245 bytes, expected 255 or more",
      );
    }
  }
});

Deno.test("readMasterPublicKey() refuses what is no public RSA key", () => {
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey
    .export({ type: "spki", format: "pem" }).toString();
  for (
    const [pem, says] of [
      ["", "it is not PEM"],
      ["hello", "it is not PEM"],
      [PRIVATE, "it is a block ENCRYPTED PRIVATE KEY, expected PUBLIC KEY"],
      [PUBLIC.replace("END PUBLIC KEY", "END PRIVATE KEY"), "not PEM"],
      [PUBLIC.replace(/\n(\w)/, "\n-$1"), "not PEM"],
      [PUBLIC.replace("MIIC", "MIID"), "its structure is broken"],
      [PUBLIC.replace(/(\n[^-\n]+)(?=\n-)/, ""), "its structure is broken"],
      [ec, "it is of type ec"],
      ["x".repeat(100_000), "letters"],
    ] as const
  ) {
    assertThrows(() => readMasterPublicKey(pem), FormatError, says);
  }
});

Deno.test("openKey() refuses blocks of another length", async () => {
  for (const length of [0, 1, 511, 513, 524]) {
    await assertRejects(
      () => openKey(new Uint8Array(length), PRIVATE, RSA.privatePassphrase),
      FormatError,
      `the locked key has ${length} bytes, expected 512`,
    );
  }
  for (const at of [0, 100, 511]) {
    const block = BLOCK.slice();
    block[at]! ^= 1;
    await assertRejects(
      () => openKey(block, PRIVATE, RSA.privatePassphrase),
      KeyError,
    );
  }
});

Deno.test("openKey() with cut and changed private keys ends in a PxarError", async () => {
  const tried = async (pem: string) => {
    const error = await assertRejects(
      () => openKey(BLOCK, pem, "wrong passphrase"),
    );
    assert(error instanceof PxarError, String(error));
  };
  for (let length = 0; length < PRIVATE.length; length += 97) {
    await tried(PRIVATE.slice(0, length));
  }
  const start = PRIVATE.indexOf("\n") + 1;
  for (let at = start; at < start + 140; at++) {
    if (PRIVATE[at] === "\n") continue;
    for (const letter of "A/8") {
      await tried(PRIVATE.slice(0, at) + letter + PRIVATE.slice(at + 1));
    }
  }
});

const PBKDF2 = "06092a864886f70d01050c";
const SCRYPT = "06092b06010401da47040b";

function der(tag: string, content: string): string {
  const length = content.length / 2;
  return tag + (length < 128 ? "" : "82") +
    length.toString(16).padStart(length < 128 ? 2 : 4, "0") + content;
}

/** PEM of a locked private key whose kdf has these numbers behind its salt. */
function lockedPem(kdf: string, numbers: readonly number[]): string {
  const parameters = der("04", "00".repeat(8)) +
    numbers.map((number) => {
      const digits = number.toString(16);
      return der("02", digits.padStart(digits.length + digits.length % 2, "0"));
    }).join("");
  const algorithm = der("30", kdf + der("30", parameters)) +
    der("30", "060960864801650304012a" + der("04", "00".repeat(16)));
  const whole = der(
    "30",
    der("30", "06092a864886f70d01050d" + der("30", algorithm)) +
      der("04", "00".repeat(32)),
  );
  const binary = String.fromCharCode(
    ...whole.match(/../g)!.map((pair) => Number.parseInt(pair, 16)),
  );
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${
    btoa(binary).match(/.{1,64}/g)!.join("\n")
  }\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}

Deno.test("openKey() refuses a private key that asks for hours of work or all memory", async () => {
  const pem = (kdf: string, ...numbers: readonly number[]) =>
    lockedPem(kdf, numbers);
  for (
    const [locked, says] of [
      [pem(PBKDF2, 0x7fffffff), "rounds"],
      [pem(PBKDF2, 2 ** 52, 32), "rounds"],
      [pem(SCRYPT, 2 ** 22, 8, 1), "asks for"],
      [pem(SCRYPT, 65536, 8, 4096), "asks for"],
      [pem(SCRYPT, 65536, 8), "its structure is broken"],
    ] as const
  ) {
    await assertRejects(
      () => openKey(BLOCK, locked, "passphrase"),
      FormatError,
      says,
    );
  }
  // Sound parameters, and then only rubbish within.
  for (const locked of [pem(PBKDF2, 2048), pem(SCRYPT, 16, 1, 1)]) {
    await assertRejects(() => openKey(BLOCK, locked, "passphrase"), KeyError);
  }
});

Deno.test("without node:crypto there are no master keys", async () => {
  const code = `
    const { createMasterKey, readMasterPublicKey, sealKey, openKey } = await import("@pxar/chunk/master_key");
    const { CryptKey } = await import("@pxar/chunk/key");
    process.getBuiltinModule = undefined;
    const names = [];
    const tried = async (work) => {
      try { await work(); } catch (error) { names.push(error.name); }
    };
    const key = CryptKey.of(new Uint8Array(32));
    await tried(() => createMasterKey("passphrase"));
    await tried(() => readMasterPublicKey(""));
    await tried(() => sealKey(key, ""));
    await tried(() => openKey(new Uint8Array(), ""));
    console.log(names.join());`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    cwd: new URL("../../chunk/", import.meta.url).pathname,
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(
    new TextDecoder().decode(stdout),
    `${Array(4).fill("UnsupportedError").join()}\n`,
    new TextDecoder().decode(stderr),
  );
});
