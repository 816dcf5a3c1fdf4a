import { joinBlob, sealBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import { FormatError, IntegrityError, PxarError } from "@pxar/format/errors";
import { manifestText } from "@pxar/store/manifest";
import {
  MANIFEST_LIMIT,
  manifestBlob,
  readManifestBlob,
} from "@pxar/store/manifest_blob";
import { withNotes } from "@pxar/store/unprotected";
import fc from "fast-check";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { ARBITRARY_MANIFESTS, KEYS, MANIFESTS } from "./manifests.ts";
import { storeBytes, storeText } from "./vectors.ts";

const CODECS = await openCodecs();
const UTF8 = new TextEncoder();

/** A blob that holds anything. */
async function blobOf(data: Uint8Array | string): Promise<Uint8Array> {
  const bytes = typeof data === "string" ? UTF8.encode(data) : data;
  return joinBlob(await sealBlob(bytes, { codecs: CODECS }));
}

Deno.test("readManifestBlob() reads the blobs of PBS", async () => {
  for (const { name, blobSha256, blobSize } of MANIFESTS.manifests) {
    const blob = storeBytes(`manifest/${name}.index.json.blob`);
    assertEquals(blob.length, blobSize);
    assertEquals(hexOf(digestOf(blob)), blobSha256);
    if (name === "unicode-names-big-sizes") {
      // For its file names, see manifest_test.ts.
      await assertRejects(
        () => readManifestBlob(blob, CODECS),
        FormatError,
        "größe-☂",
      );
      continue;
    }
    const manifest = await readManifestBlob(blob, CODECS);
    assertEquals(
      manifestText(manifest),
      storeText(`manifest/${name}.index.json`),
      name,
    );
  }
});

Deno.test("manifests come back from their blobs", async () => {
  await fc.assert(fc.asyncProperty(ARBITRARY_MANIFESTS, async (manifest) => {
    const blob = await manifestBlob(manifest, CODECS);
    const read = await readManifestBlob(blob, CODECS);
    assertEquals(manifestText(read), manifestText(manifest));
  }));
});

Deno.test("a blob that is cut or changed anywhere is refused", async () => {
  const blob = storeBytes("manifest/encrypt.index.json.blob");
  for (let end = 0; end < blob.length; end += end < 64 ? 1 : 37) {
    await assertRejects(
      () => readManifestBlob(blob.slice(0, end), CODECS),
      PxarError,
    );
  }
  for (let at = 0; at < blob.length; at++) {
    const other = blob.slice();
    other[at]! ^= 1 << (at % 8);
    await assertRejects(() => readManifestBlob(other, CODECS), PxarError);
  }
  const other = blob.slice();
  other[20]! ^= 1;
  await assertRejects(() => readManifestBlob(other, CODECS), IntegrityError);
});

Deno.test("readManifestBlob() refuses an encrypted blob, other bytes than UTF-8, and what is no manifest", async () => {
  const text = storeText("manifest/none.index.json");
  const encrypted = joinBlob(
    await sealBlob(UTF8.encode(text), { codecs: CODECS, key: KEYS.key! }),
  );
  await assertRejects(
    () => readManifestBlob(encrypted, CODECS),
    FormatError,
    "is encrypted",
  );
  const latin = Uint8Array.from(
    text.replace("{}", '{"notes":"\xe4"}'),
    (letter) => letter.charCodeAt(0),
  );
  for (const data of [latin, "", "{}", "[", `\ufeff${text}`]) {
    const blob = await blobOf(data);
    await assertRejects(() => readManifestBlob(blob, CODECS), FormatError);
  }
});

Deno.test("readManifestBlob() does not unpack more than 16 MiB", async () => {
  const bomb = await blobOf(new Uint8Array(MANIFEST_LIMIT + 1).fill(0x20));
  assert(bomb.length < 10_000);
  await assertRejects(() => readManifestBlob(bomb, CODECS), FormatError);
});

Deno.test("manifestBlob() refuses notes that nobody could read again", async () => {
  const blob = storeBytes("manifest/none.index.json.blob");
  const manifest = await readManifestBlob(blob, CODECS);
  const error = await assertRejects(
    () => manifestBlob(withNotes(manifest, "ä".repeat(9 << 20)), CODECS),
    FormatError,
  );
  assertStringIncludes(error.message, String(MANIFEST_LIMIT));
});
