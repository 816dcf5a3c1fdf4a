import { digestOf, hexOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import {
  FormatError,
  IntegrityError,
  KeyError,
  type PxarError,
} from "@pxar/format/errors";
import { canonicalJson, jsonText } from "@pxar/store/canonical_json";
import { parseJson } from "@pxar/store/json";
import {
  type CryptMode,
  makeManifest,
  type Manifest,
  manifestText,
  parseManifest,
} from "@pxar/store/manifest";
import {
  signedBytes,
  signManifest,
  verifyManifest,
} from "@pxar/store/manifest_signature";
import { parseSnapshot } from "@pxar/store/snapshot";
import { keyFingerprintOf, withNotes } from "@pxar/store/unprotected";
import fc from "fast-check";
import { scryptSync } from "node:crypto";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertThrows,
} from "../support/assert.ts";
import { ARBITRARY_MANIFESTS, KEYS, MANIFESTS } from "./manifests.ts";
import { storeBytes, storeText } from "./vectors.ts";

/** The classes of error that a reader ends with. */
type ErrorClass = abstract new (...args: never[]) => PxarError;

const KEY = KEYS.key!, OTHER = KEYS.other!;

/** What reading and verifying ends with. */
function outcome(text: string, key: CryptKey | undefined): unknown {
  try {
    const manifest = parseManifest(text);
    verifyManifest(manifest, key);
    return { files: manifest.files.length };
  } catch (error) {
    return error;
  }
}

/** The error that goes with what the official reader says. */
function errorOf(official: string): ErrorClass {
  if (/^(missing|wrong) key/.test(official)) return KeyError;
  return official.startsWith("wrong signature") ? IntegrityError : FormatError;
}

Deno.test("manifests of PBS: the same bytes are signed, with the same signature, and who may read them", () => {
  for (const one of MANIFESTS.manifests) {
    if (one.name === "unicode-names-big-sizes") continue;
    const text = storeText(`manifest/${one.name}.index.json`);
    const manifest = parseManifest(text);
    const bytes = signedBytes(manifest);
    assertEquals(bytes, storeBytes(`manifest/${one.name}.canonical.json`));
    assertEquals(hexOf(digestOf(bytes)), one.canonicalSha256);
    assertEquals(manifest.signature ?? null, one.signature, one.name);
    const signed = signManifest({ ...manifest, signature: undefined }, KEY);
    assertEquals(signed.signature, one.signatureWithKey, one.name);
    if (one.signed) assertEquals(manifestText(signed), text, one.name);
    const wanted = [
      [KEY, one.readWithKey],
      [OTHER, one.readWithOtherKey],
      [undefined, one.checkFingerprintWithoutKey],
    ] as const;
    for (const [key, error] of wanted) {
      const ended = outcome(text, key);
      if (error === null) assert(!(ended instanceof Error), one.name);
      else assertInstanceOf(ended, errorOf(error), one.name);
    }
  }
});

Deno.test("a manifest that parseManifest() refuses for its names and sizes is signed by the same bytes all the same", () => {
  const name = "unicode-names-big-sizes";
  const one = MANIFESTS.manifests.find((each) => each.name === name)!;
  const text = storeText(`manifest/${name}.index.json`);
  const all = parseJson(text);
  assert(all instanceof Map);
  assertEquals(jsonText(all), text);
  const signed = new Map(all);
  signed.delete("signature");
  signed.delete("unprotected");
  const canonical = new TextEncoder().encode(canonicalJson(signed));
  assertEquals(canonical, storeBytes(`manifest/${name}.canonical.json`));
  assertEquals(hexOf(KEY.authTag(canonical)), one.signatureWithKey);
  assertEquals(all.get("signature"), one.signatureWithKey);
});

Deno.test("texts are taken and refused as PBS does, but for five that it should not take", () => {
  const stricter = new Map<string, [ErrorClass, string]>([
    ["fingerprint and signature removed, right key", [
      IntegrityError,
      "it has no signature, expected one, because its files are not plain",
    ]],
    ["signature null, fingerprint kept, right key", [
      IntegrityError,
      "it has no signature, expected one, because it names a key",
    ]],
    ["backup-id with slash", [FormatError, "a/b"]],
    ["backup-time negative", [FormatError, "not -1"]],
    ["same file twice", [FormatError, "each file once"]],
  ]);
  for (const { name, key, text, result } of MANIFESTS.texts) {
    const ended = outcome(text, KEYS[key]);
    const reason = stricter.get(name);
    if (reason !== undefined) {
      assert("ok" in result, name);
      assertInstanceOf(ended, reason[0], name);
      assert(ended.message.includes(reason[1]), ended.message);
      stricter.delete(name);
    } else if ("ok" in result) {
      assertEquals(ended, result.ok, name);
    } else {
      assertInstanceOf(ended, errorOf(result.error), name);
    }
  }
  assertEquals(stricter.size, 0);
});

Deno.test("the signature of the specification", () => {
  const key = CryptKey.of(
    new Uint8Array(
      scryptSync("test", "", 32, { N: 65536, r: 8, p: 1, maxmem: 1 << 27 }),
    ),
  );
  const manifest = makeManifest(
    parseSnapshot("host/elsa/2020-06-26T13:56:05Z"),
    [
      {
        name: "test1.img.fidx",
        cryptMode: "encrypt",
        size: 200,
        csum: new Uint8Array(32).fill(1),
      },
      {
        name: "abc.blob",
        cryptMode: "none",
        size: 200,
        csum: new Uint8Array(32).fill(2),
      },
    ],
  );
  assertEquals(
    signManifest(manifest, key).signature,
    "d7b446fb7db081662081d4b40fedd858a1d6307a5aff4ecff7d5bf4fd35679e9",
  );
});

Deno.test("what is signed is verified with its key, and with no other", () => {
  fc.assert(fc.property(ARBITRARY_MANIFESTS, (manifest) => {
    const signed = signManifest(manifest, KEY);
    assertEquals(keyFingerprintOf(signed), KEY.fingerprint);
    const read = parseManifest(manifestText(withNotes(signed, "seen")));
    verifyManifest(read, KEY);
    assertThrows(() => verifyManifest(read, OTHER), KeyError, "at hand");
    assertThrows(() => verifyManifest(read, undefined), KeyError, "none");
  }));
});

Deno.test("any change of what is signed is found", () => {
  const official = storeText("manifest/encrypt.index.json");
  const compact = JSON.stringify(JSON.parse(official));
  const end = compact.indexOf('"unprotected"');
  const found = fc.property(fc.nat(end - 1), fc.constantFrom(..."0a_-"), (
    at,
    letter,
  ) => {
    const text = compact.slice(0, at) + letter + compact.slice(at + 1);
    if (text === compact) return;
    const ended = outcome(text, KEY);
    assert(ended instanceof FormatError || ended instanceof IntegrityError);
  });
  fc.assert(found, { numRuns: 500 });
});

Deno.test("a wrong signature is told with the right one", () => {
  const text = storeText("manifest/encrypt.index.json");
  const good = parseManifest(text).signature!;
  const bad = `${good.slice(0, -1)}${good.endsWith("2") ? "0" : "2"}`;
  const error = outcome(text.replace(good, bad), KEY);
  assertInstanceOf(error, IntegrityError);
  assertEquals([error.expected, error.actual], [good, bad]);
});

Deno.test("with a key at hand, a manifest without signature is taken only where it names no key and all files are plain", () => {
  const csum = digestOf(new Uint8Array());
  const of = (...modes: CryptMode[]): Manifest =>
    makeManifest(
      parseSnapshot("host/elsa/2020-06-26T13:56:05Z"),
      modes.map((cryptMode, i) => ({
        name: `${i}.pxar.didx`,
        cryptMode,
        size: 1,
        csum,
      })),
    );
  verifyManifest(of(), KEY);
  verifyManifest(of("none", "none"), KEY);
  for (
    const manifest of [
      of("encrypt"),
      of("sign-only"),
      of("none", "sign-only"),
      of("none", "none", "encrypt"),
      { ...signManifest(of("none"), KEY), signature: undefined },
      { ...signManifest(of(), KEY), signature: undefined },
    ]
  ) {
    const error = assertThrows(
      () => verifyManifest(manifest, KEY),
      IntegrityError,
      "no signature",
    );
    assertEquals(error.actual, undefined);
  }
  for (const manifest of [of("encrypt"), of("sign-only"), of("none")]) {
    verifyManifest(manifest, undefined);
  }
});

Deno.test("a fingerprint that is none is refused, with a key and without", () => {
  for (const fingerprint of ["", "0e", "0e:".repeat(33), "zz".repeat(32), 5]) {
    const text = JSON.stringify({
      ...JSON.parse(storeText("manifest/none.index.json")),
      unprotected: { "key-fingerprint": fingerprint },
    });
    for (const key of [KEY, undefined]) {
      assertInstanceOf(outcome(text, key), FormatError, String(fingerprint));
    }
  }
});
