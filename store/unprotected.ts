/**
 * What a manifest carries without its signature covering it: notes, the state of the last verification, what was uploaded, which key was used. Anybody who may write to the
 * store may change it.
 *
 * @module
 */
import { parseFingerprint } from "@pxar/chunk/key";
import type { Bytes } from "@pxar/format/bytes";
import type { Json, JsonObject } from "./json.ts";
import type { Manifest } from "./manifest.ts";
import { isCount, isObject, refuse } from "./manifest_value.ts";
import { parseUpid, type Upid, upidText } from "./upid.ts";

/** How the last verification of a snapshot ended. */
export interface VerifyState {
  /** The task that verified it; tells when it did. */
  readonly upid: Upid;
  /** Whether all was well. */
  readonly state: "ok" | "failed";
}

/** What a server received while a snapshot was made. */
export interface UploadStats {
  /** How many chunks were uploaded. */
  readonly count: number;
  /** Bytes of chunks and blobs before compression. */
  readonly size: number;
  /** Bytes of chunks as they are stored. */
  readonly compressedSize: number;
  /** How many chunks were there already. */
  readonly duplicates: number;
}

const NOTES = "notes", VERIFY_STATE = "verify_state";
const UPLOAD_STATS = "chunk_upload_stats", KEY_FINGERPRINT = "key-fingerprint";

/**
 * A snapshot's notes.
 *
 * @param manifest Its manifest.
 * @returns Any number of lines; `undefined` where there are none.
 * @throws {FormatError} If they are no text.
 */
export function notesOf(manifest: Manifest): string | undefined {
  return textOf(manifest.unprotected, NOTES, "its notes");
}

/**
 * A manifest with other notes.
 *
 * @param manifest The manifest.
 * @param notes Any number of lines; `undefined` for none.
 * @returns The other one.
 */
export function withNotes(
  manifest: Manifest,
  notes: string | undefined,
): Manifest {
  return withUnprotected(manifest, NOTES, notes);
}

/**
 * How the last verification of a snapshot ended.
 *
 * Source: spec C.6.
 *
 * @param manifest Its manifest.
 * @returns `undefined` where it was never verified.
 * @throws {FormatError} If what stands there is no such state.
 */
export function verifyStateOf(manifest: Manifest): VerifyState | undefined {
  const value = manifest.unprotected.get(VERIFY_STATE) ?? undefined;
  if (value === undefined) return undefined;
  if (!isObject(value)) refuse("its verify_state", value, "an object");
  const state = value.get("state");
  if (state !== "ok" && state !== "failed") {
    refuse("the state in its verify_state", state, "ok or failed");
  }
  const upid = textOf(value, "upid", "the upid in its verify_state") ??
    refuse("the upid in its verify_state", undefined, "a text");
  return { upid: parseUpid(upid), state };
}

/**
 * A manifest that tells of another verification.
 *
 * Source: spec C.6.
 *
 * @param manifest The manifest.
 * @param state How it ended; `undefined`: there was none.
 * @returns The other one.
 */
export function withVerifyState(
  manifest: Manifest,
  state: VerifyState | undefined,
): Manifest {
  return withUnprotected(
    manifest,
    VERIFY_STATE,
    state && new Map([["state", state.state], ["upid", upidText(state.upid)]]),
  );
}

/**
 * What a server received while a snapshot was made.
 *
 * Source: protocol spec C.11.
 *
 * @param manifest Its manifest.
 * @returns `undefined` where it does not tell.
 * @throws {FormatError} If a number is missing or none.
 */
export function uploadStatsOf(manifest: Manifest): UploadStats | undefined {
  const value = manifest.unprotected.get(UPLOAD_STATS) ?? undefined;
  if (value === undefined) return undefined;
  if (!isObject(value)) refuse("its chunk_upload_stats", value, "an object");
  return {
    count: countOf(value, "count"),
    size: countOf(value, "size"),
    compressedSize: countOf(value, "compressed_size"),
    duplicates: countOf(value, "duplicates"),
  };
}

/**
 * A manifest that tells what was received.
 *
 * Source: protocol spec C.11.
 *
 * @param manifest The manifest.
 * @param stats The numbers.
 * @returns The other one.
 */
export function withUploadStats(
  manifest: Manifest,
  stats: UploadStats,
): Manifest {
  return withUnprotected(
    manifest,
    UPLOAD_STATS,
    new Map([
      ["count", stats.count],
      ["size", stats.size],
      ["compressed_size", stats.compressedSize],
      ["duplicates", stats.duplicates],
    ]),
  );
}

/**
 * The fingerprint of the key that a manifest says it was made with.
 *
 * Source: spec F.3.
 *
 * @param manifest The manifest.
 * @returns 32 bytes; `undefined` where no key is named.
 * @throws {FormatError} If it is no fingerprint.
 */
export function keyFingerprintOf(manifest: Manifest): Bytes | undefined {
  const what = "its key-fingerprint";
  const text = textOf(manifest.unprotected, KEY_FINGERPRINT, what);
  if (text === undefined) return undefined;
  if (!/^[0-9A-Fa-f]{64}$/.test(text.replaceAll(":", ""))) {
    refuse(what, text, "64 hex digits, with or without colons");
  }
  return parseFingerprint(text);
}

/**
 * A manifest that names the key that it is made with.
 *
 * Source: spec F.2.
 *
 * @param manifest The manifest.
 * @param fingerprint The key's, as text with colons.
 * @returns The other one.
 */
export function withKeyFingerprint(
  manifest: Manifest,
  fingerprint: string,
): Manifest {
  return withUnprotected(manifest, KEY_FINGERPRINT, fingerprint);
}

/**
 * A manifest that names no key.
 *
 * @param manifest The manifest.
 * @returns The other one; its signature stays.
 */
export function withoutKeyFingerprint(manifest: Manifest): Manifest {
  return withUnprotected(manifest, KEY_FINGERPRINT, undefined);
}

function withUnprotected(
  manifest: Manifest,
  name: string,
  value: Json | undefined,
): Manifest {
  const unprotected = new Map(manifest.unprotected);
  if (value === undefined) unprotected.delete(name);
  else unprotected.set(name, value);
  return { ...manifest, unprotected };
}

/** A text, or nothing where it is missing or null. */
function textOf(
  from: JsonObject,
  name: string,
  what: string,
): string | undefined {
  const value = from.get(name) ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  refuse(what, value, "a text");
}

function countOf(from: JsonObject, name: string): number {
  const value = from.get(name);
  if (isCount(value)) return value;
  refuse(`the ${name} in its chunk_upload_stats`, value, "0 to 2^53 - 1");
}
