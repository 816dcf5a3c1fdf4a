import { fingerprintText, shortFingerprint } from "@pxar/chunk/key";
import { FormatError } from "@pxar/format/errors";
import type { Json } from "@pxar/store/json";
import {
  type Manifest,
  manifestText,
  parseManifest,
} from "@pxar/store/manifest";
import {
  keyFingerprintOf,
  notesOf,
  uploadStatsOf,
  verifyStateOf,
  withKeyFingerprint,
  withNotes,
  withUploadStats,
  withVerifyState,
} from "@pxar/store/unprotected";
import { parseUpid, upidText } from "@pxar/store/upid";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { IDS } from "./ids.ts";
import { KEYS, MANIFESTS } from "./manifests.ts";
import { storeText } from "./vectors.ts";

const load = (name: string): Manifest =>
  parseManifest(storeText(`manifest/${name}.index.json`));
const PLAIN = load("none");

/** A manifest with one member of the unprotected part replaced. */
function having(name: string, value: Json): Manifest {
  return { ...PLAIN, unprotected: new Map([[name, value]]) };
}

Deno.test("verifyStateOf() tells what PBS tells", () => {
  for (const { name, verifyState } of MANIFESTS.manifests) {
    if (name === "unicode-names-big-sizes") continue;
    const state = verifyStateOf(load(name));
    assertEquals(
      state === undefined
        ? null
        : { state: state.state, upid: upidText(state.upid) },
      verifyState.ok,
      name,
    );
  }
});

Deno.test("keyFingerprintOf() reads what PBS reads as a fingerprint", () => {
  for (const { text, fromStr } of IDS.fingerprint) {
    const manifest = withKeyFingerprint(PLAIN, text);
    if ("error" in fromStr) {
      assertThrows(() => keyFingerprintOf(manifest), FormatError, "64", text);
      continue;
    }
    const fingerprint = keyFingerprintOf(manifest)!;
    // One colon is missing in the data's long form: it tells the same bytes.
    assertEquals(
      fingerprintText(fingerprint).replaceAll(":", ""),
      fromStr.ok.long.replaceAll(":", ""),
    );
    assertEquals(shortFingerprint(fingerprint), fromStr.ok.short);
  }
});

Deno.test("a manifest of PBS tells its notes, its uploads and its key", () => {
  const manifest = load("encrypt-notes-verified");
  assertEquals(
    notesOf(manifest),
    'Zeile 1\nZeile "zwei" – ✓ 💾\ttab \\ / \x7f\x01',
  );
  assertEquals(uploadStatsOf(manifest), {
    count: 25,
    size: 104857600,
    compressedSize: 54857600,
    duplicates: 3,
  });
  assertEquals(keyFingerprintOf(manifest), KEYS.key!.fingerprint);
});

Deno.test("where nothing is told, or null, there is nothing", () => {
  const names = [
    "notes",
    "verify_state",
    "chunk_upload_stats",
    "key-fingerprint",
  ];
  for (const manifest of [PLAIN, ...names.map((one) => having(one, null))]) {
    assertEquals(notesOf(manifest), undefined);
    assertEquals(verifyStateOf(manifest), undefined);
    assertEquals(uploadStatsOf(manifest), undefined);
    assertEquals(keyFingerprintOf(manifest), undefined);
  }
});

Deno.test("what is set is told, replaces what was there, and changes nothing else", () => {
  const upid = parseUpid(
    "UPID:elsa:00004F37:0039E469:00000000:5CA78B83:verify::root@pam:",
  );
  const stats = { count: 1, size: 2, compressedSize: 3, duplicates: 4 };
  const before = load("encrypt-notes-verified");
  let manifest = withNotes(before, "new");
  manifest = withVerifyState(manifest, { upid, state: "failed" });
  manifest = withUploadStats(manifest, stats);
  manifest = parseManifest(manifestText(manifest));
  assertEquals(notesOf(manifest), "new");
  assertEquals(verifyStateOf(manifest), { upid, state: "failed" });
  assertEquals(uploadStatsOf(manifest), stats);
  assertEquals(manifest.signed, before.signed);
  assertEquals(
    manifest.unprotected.get("nested"),
    before.unprotected.get("nested"),
  );
  manifest = withVerifyState(withNotes(manifest, undefined), undefined);
  assertEquals(notesOf(manifest), undefined);
  assertEquals(verifyStateOf(manifest), undefined);
  assertEquals(notesOf(before)?.startsWith("Zeile"), true);
});

Deno.test("what stands there and is not what it must be is refused", () => {
  const good = "UPID:n:00000001:00000002:00000003:00000004:t::u@pbs:";
  const state = (state: Json, upid: Json) =>
    new Map([["state", state], ["upid", upid]]);
  const stats = (count: Json) =>
    new Map<string, Json>([
      ["count", count],
      ["size", 0],
      ["compressed_size", 0],
      ["duplicates", 0],
    ]);
  const cases: [string, Json, (manifest: Manifest) => unknown][] = [
    ["notes", 5, notesOf],
    ["notes", ["a"], notesOf],
    ["verify_state", "ok", verifyStateOf],
    ["verify_state", state("well", good), verifyStateOf],
    ["verify_state", state("ok", "x"), verifyStateOf],
    ["verify_state", state("ok", 5), verifyStateOf],
    ["verify_state", new Map([["state", "ok"]]), verifyStateOf],
    ["verify_state", new Map([["upid", good]]), verifyStateOf],
    ["chunk_upload_stats", [], uploadStatsOf],
    ["chunk_upload_stats", stats(-1), uploadStatsOf],
    ["chunk_upload_stats", stats("1"), uploadStatsOf],
    ["chunk_upload_stats", stats(2n ** 60n), uploadStatsOf],
    ["chunk_upload_stats", new Map([["count", 1]]), uploadStatsOf],
    ["key-fingerprint", 5, keyFingerprintOf],
  ];
  verifyStateOf(having("verify_state", state("ok", good)));
  uploadStatsOf(having("chunk_upload_stats", stats(1)));
  for (const [name, value, read] of cases) {
    assertThrows(() => read(having(name, value)), FormatError, "expected");
  }
});
