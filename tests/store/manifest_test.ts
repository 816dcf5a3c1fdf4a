import { digestOf } from "@pxar/chunk/digest";
import { FormatError } from "@pxar/format/errors";
import {
  CRYPT_MODES,
  makeManifest,
  type Manifest,
  manifestFile,
  manifestText,
  parseManifest,
} from "@pxar/store/manifest";
import { signManifest } from "@pxar/store/manifest_signature";
import { parseSnapshot } from "@pxar/store/snapshot";
import { withNotes } from "@pxar/store/unprotected";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { ARBITRARY_MANIFESTS, KEYS, MANIFESTS } from "./manifests.ts";
import { storeText } from "./vectors.ts";

const SNAPSHOT = parseSnapshot("host/elsa/2020-06-26T13:56:05Z");
const CSUM = digestOf(new Uint8Array());

/** A manifest with some members replaced; `undefined` takes one away. */
function changed(
  members: Readonly<Record<string, unknown>>,
  file: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    "backup-type": "host",
    "backup-id": "elsa",
    "backup-time": 1593179765,
    files: [{
      filename: "a.pxar.didx",
      "crypt-mode": "none",
      size: 5,
      csum: "ab".repeat(32),
      ...file,
    }],
    signature: null,
    unprotected: {},
    ...members,
  });
}

Deno.test("manifests of PBS come out as they went in", () => {
  for (const { name } of MANIFESTS.manifests) {
    if (name === "unicode-names-big-sizes") continue;
    const text = storeText(`manifest/${name}.index.json`);
    assertEquals(manifestText(parseManifest(text)), text, name);
  }
});

Deno.test("parseManifest() refuses file names that are no archive names, and sizes from 2^53 on, both of which PBS takes", () => {
  const text = storeText("manifest/unicode-names-big-sizes.index.json");
  assertThrows(() => parseManifest(text), FormatError, "größe-☂.conf.blob");
  const named = text.replace("größe-☂", "a").replace("z😀", "z").replace(
    'a b\\"c\\\\',
    "c",
  );
  assertThrows(() => parseManifest(named), FormatError, "18446744073709551615");
  const smaller = named.replace("18446744073709551615", "9007199254740991");
  assertThrows(() => parseManifest(smaller), FormatError, "9007199254740993");
  const manifest = parseManifest(
    smaller.replace("9007199254740993", "9007199254740990"),
  );
  assertEquals(
    manifest.files.map(({ name, size, cryptMode }) => [
      name,
      size,
      cryptMode,
    ]),
    [
      ["a.conf.blob", Number.MAX_SAFE_INTEGER, "sign-only"],
      ["z.log.blob", 0, "none"],
      ["c.img.fidx", Number.MAX_SAFE_INTEGER - 1, "encrypt"],
    ],
  );
});

Deno.test("parseManifest() tells what a manifest says", () => {
  const manifest = parseManifest(changed({}));
  const { type, id, time, signature, files } = manifest;
  assertEquals({ type, id, time, signature }, {
    type: "host",
    id: "elsa",
    time: 1593179765,
    signature: undefined,
  });
  const file = {
    name: "a.pxar.didx",
    cryptMode: "none" as const,
    size: 5,
    csum: new Uint8Array(32).fill(0xab),
  };
  assertEquals(files, [file]);
  assertEquals(manifestFile(manifest, "a.pxar.didx"), file);
  assertEquals(manifestFile(manifest, "a.pxar"), undefined);
  const upper = parseManifest(changed({}, { csum: "AB".repeat(32) }));
  assertEquals(upper.files, files);
  assert(manifestText(upper).includes("ABAB"), "it is part of a signature");
  assertEquals(
    parseManifest(changed({}, { "crypt-mode": undefined })).files,
    files,
  );
});

Deno.test("parseManifest() refuses what is missing or not what it must be", () => {
  const cases: [string, string][] = [
    ["null", "the whole is null"],
    ["[]", "the whole is a list"],
    [changed({ "backup-type": undefined }), "backup-type is missing"],
    [changed({ "backup-type": "pod" }), 'backup-type is "pod"'],
    [changed({ "backup-id": undefined }), "backup-id is missing"],
    [changed({ "backup-id": 5 }), "backup-id is 5"],
    [changed({ "backup-id": ".." }), 'backup id: it is ".."'],
    [changed({ "backup-time": undefined }), "backup-time is missing"],
    [changed({ "backup-time": null }), "backup-time is null"],
    [changed({ "backup-time": 253402300800 }), "backup-time is 253402300800"],
    [changed({ "backup-time": 2 ** 60 }), "backup-time is 1152921504606847000"],
    [changed({ files: undefined }), "files is missing"],
    [changed({ files: {} }), "files is an object"],
    [changed({ files: [5] }), "a file is 5"],
    [changed({}, { filename: undefined }), "filename is missing"],
    [changed({}, { filename: "a.pxar" }), 'name is "a.pxar"'],
    [changed({}, { filename: "index.json.blob" }), "another NAME.blob"],
    [changed({}, { filename: "../a.blob" }), '"../a.blob"'],
    [changed({}, { filename: "/etc/a.blob" }), '"/etc/a.blob"'],
    [changed({}, { filename: "a.didx.tmp" }), '"a.didx.tmp"'],
    [
      changed({}, { "crypt-mode": null }),
      'crypt-mode of "a.pxar.didx" is null',
    ],
    [changed({}, { "crypt-mode": "Encrypt" }), 'is "Encrypt"'],
    [changed({}, { size: undefined }), "size"],
    [changed({}, { size: -1 }), "is -1"],
    [changed({}, { size: 1.5 }), 'is "1.5"'],
    [changed({}, { size: "5" }), 'is "5"'],
    [changed({}, { csum: undefined }), "csum"],
    [changed({}, { csum: "ab" }), "64 hex digits"],
    [changed({}, { csum: "ab".repeat(33) }), "64 hex digits"],
    [changed({}, { csum: `${"ab".repeat(31)}a\n` }), "64 hex digits"],
    [changed({ signature: {} }), "signature is an object"],
    [changed({ unprotected: 5 }), "unprotected part is 5"],
    [changed({ unprotected: [] }), "unprotected part is a list"],
  ];
  parseManifest(changed({}));
  for (const [text, says] of cases) {
    assertThrows(() => parseManifest(text), FormatError, says, text);
  }
});

Deno.test("makeManifest() makes what parseManifest() reads, and refuses what it refuses", () => {
  fc.assert(fc.property(ARBITRARY_MANIFESTS, (manifest) => {
    const read = parseManifest(manifestText(manifest));
    assertEquals(manifestText(read), manifestText(manifest));
    assertEquals(read.files, manifest.files);
    const { type, id, time, files } = read;
    assertEquals(makeManifest({ type, id, time }, files).files, files);
  }));
  const file = {
    name: "a.pxar.didx",
    cryptMode: "none",
    size: 5,
    csum: CSUM,
  } as const;
  makeManifest(SNAPSHOT, [file]);
  for (
    const files of [
      [file, file],
      [{ ...file, name: "a.pxar" }],
      [{ ...file, size: -1 }],
      [{ ...file, size: NaN }],
      [{ ...file, size: 2 ** 53 }],
      [{ ...file, size: 0.5 }],
    ]
  ) assertThrows(() => makeManifest(SNAPSHOT, files), FormatError);
  assertThrows(
    () => makeManifest({ ...SNAPSHOT, time: 0.5 }, []),
    FormatError,
  );
});

Deno.test("what this version does not know is kept", () => {
  const text = changed({
    extra: { a: [1, "ä"] },
    unprotected: { other: { b: null } },
  }, { more: true });
  const again = (manifest: Manifest) =>
    JSON.parse(manifestText(manifest)) as Record<string, unknown>;
  const manifest = parseManifest(text);
  assertEquals(again(manifest), JSON.parse(text));
  const signed = again(signManifest(withNotes(manifest, "n"), KEYS.key!));
  const { signature: _, unprotected, ...rest } = signed;
  const { signature: __, unprotected: ___, ...wanted } = JSON.parse(text);
  assertEquals(rest, wanted);
  const { "key-fingerprint": ____, ...kept } = unprotected as Record<
    string,
    unknown
  >;
  assertEquals(kept, { notes: "n", other: { b: null } });
});

Deno.test("parseManifest() ends quickly with what is hostile", () => {
  const many = JSON.parse(changed({}));
  many.files = Array.from({ length: 20_000 }, (_, i) => ({
    ...many.files[0],
    filename: `${i}.pxar.didx`,
  }));
  assertEquals(parseManifest(JSON.stringify(many)).files.length, 20_000);
  many.files.push(many.files[0]);
  assertThrows(() => parseManifest(JSON.stringify(many)), FormatError, "once");
  for (
    const text of [
      changed({ "backup-id": "a".repeat(1_000_000) + "/" }),
      changed({}, { filename: "a".repeat(1_000_000) + ".didx\n" }),
      changed({}, { csum: "a".repeat(1_000_000) }),
      changed({ "backup-time": "9".repeat(1_000_000) }),
    ]
  ) {
    const error = assertThrows(() => parseManifest(text), FormatError);
    assert(error.message.length < 400);
  }
});

Deno.test("a truncated or changed manifest ends in a FormatError or is another one", () => {
  const text = storeText("manifest/encrypt-notes-verified.index.json");
  for (let end = 0; end < text.length; end++) {
    assertThrows(() => parseManifest(text.slice(0, end)), FormatError);
  }
  const places = fc.nat({ max: text.length - 1 });
  const letters = fc.oneof(
    fc.constantFrom(...'{}[]",:\\0-.e'.split("")),
    fc.string({ unit: "binary", minLength: 1, maxLength: 3 }),
  );
  fc.assert(
    fc.property(places, letters, (at, letter) => {
      const other = text.slice(0, at) + letter + text.slice(at + 1);
      try {
        manifestText(parseManifest(other));
      } catch (error) {
        assert(error instanceof FormatError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("there are three crypt modes", () => {
  for (const mode of CRYPT_MODES) {
    const { files } = parseManifest(changed({}, { "crypt-mode": mode }));
    assertEquals(files[0]?.cryptMode, mode);
  }
});
