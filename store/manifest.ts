/**
 * Manifests: what a snapshot consists of, and what each of its files must be. The last file that is written; a snapshot without one is not finished.
 *
 * @module
 */
import { type Digest, hexOf, parseDigest } from "@pxar/chunk/digest";
import { MANIFEST_NAME, parseArchiveName } from "./archive_name.ts";
import { isBackupTime } from "./backup_time.ts";
import { jsonText } from "./canonical_json.ts";
import { type Json, type JsonObject, parseJson } from "./json.ts";
import { isCount, isObject, refuse } from "./manifest_value.ts";
import { shown } from "./shown.ts";
import {
  BACKUP_TYPES,
  type BackupType,
  parseBackupId,
  type SnapshotName,
} from "./snapshot.ts";

/** What a key did to a file: nothing; encrypted it; left it as it is and signed the manifest. */
export type CryptMode = "none" | "encrypt" | "sign-only";

/** Every mode. */
export const CRYPT_MODES: readonly CryptMode[] = [
  "none",
  "encrypt",
  "sign-only",
];

/** What a manifest says of a file. */
export interface ManifestFile {
  /** As it lies in the store, such as `root.pxar.didx`. */
  readonly name: string;
  /** `encrypt`: all its chunks are encrypted; else none is. */
  readonly cryptMode: CryptMode;
  /** Of an index the bytes that it stands for, of a blob the bytes of the file. */
  readonly size: number;
  /** Of an index its checksum over all entries, of a blob the SHA-256 of the file. */
  readonly csum: Digest;
}

/** A manifest. Nothing changes in it; `signManifest`, `withNotes` and the like give another. */
export interface Manifest {
  /** What was backed up. */
  readonly type: BackupType;
  /** Which one. */
  readonly id: string;
  /** When, seconds since 1970. */
  readonly time: number;
  /** The files in the order in which they are listed, none of them twice. */
  readonly files: readonly ManifestFile[];
  /** 64 hex digits, as they are written; `undefined` where no key was used. */
  readonly signature: string | undefined;
  /** What the signature covers, as it was read, with members that this version does not know. */
  readonly signed: JsonObject;
  /** What the signature does not cover: notes, the state of the last verification and so on. */
  readonly unprotected: JsonObject;
}

/**
 * Makes a manifest, without signature.
 *
 * Source: spec F.1.
 *
 * @param snapshot What it is the manifest of.
 * @param files The files, in the order in which they are listed.
 * @returns The manifest.
 * @throws {FormatError} If a file is named twice or otherwise than in a store, is the manifest, or has a size that is none.
 *
 * @example
 * ```ts
 * import { digestOf } from "@pxar/chunk/digest";
 * import { makeManifest, manifestText, parseManifest } from "@pxar/store/manifest";
 * import { parseSnapshot } from "@pxar/store/snapshot";
 *
 * const csum = digestOf(new TextEncoder().encode("the blob"));
 * const manifest = makeManifest(parseSnapshot("host/elsa/2023-11-14T22:13:20Z"), [
 *   { name: "fw.conf.blob", cryptMode: "none", size: 8, csum },
 * ]);
 * parseManifest(manifestText(manifest)).files[0]?.name; // "fw.conf.blob"
 * ```
 */
export function makeManifest(
  snapshot: Pick<SnapshotName, "type" | "id" | "time">,
  files: readonly ManifestFile[],
): Manifest {
  const signed = new Map<string, Json>([
    ["backup-type", snapshot.type],
    ["backup-id", snapshot.id],
    ["backup-time", snapshot.time],
    [
      "files",
      files.map((file) =>
        new Map<string, Json>([
          ["filename", file.name],
          ["crypt-mode", file.cryptMode],
          ["size", file.size],
          ["csum", hexOf(file.csum)],
        ])
      ),
    ],
  ]);
  return fromParts(signed, undefined, new Map());
}

/**
 * Reads a manifest. Its signature is not looked at: `verifyManifest` does that.
 *
 * Source: spec F.1.
 *
 * @param text JSON.
 * @returns The manifest, with all that this version does not know.
 * @throws {FormatError} If it is no JSON, or a member is missing or not what it must be; a file named twice, otherwise than in a store, or with a size of 2^53 or more.
 */
export function parseManifest(text: string): Manifest {
  const all = parseJson(text);
  if (!isObject(all)) refuse("the whole", all, "an object");
  const signed = new Map(all);
  signed.delete("signature");
  signed.delete("unprotected");
  const signature = all.get("signature") ?? undefined;
  if (signature !== undefined && typeof signature !== "string") {
    refuse("its signature", signature, "a text or null");
  }
  const unprotected = all.get("unprotected") ?? new Map();
  if (!isObject(unprotected)) {
    refuse("its unprotected part", unprotected, "an object");
  }
  return fromParts(signed, signature, unprotected);
}

/**
 * The text of a manifest: two spaces a level, members in the order of their names, as PBS writes it.
 *
 * Source: spec F.1.
 *
 * @param manifest The manifest.
 * @returns JSON.
 */
export function manifestText(manifest: Manifest): string {
  return jsonText(
    new Map<string, Json>([
      ...manifest.signed,
      ["signature", manifest.signature ?? null],
      ["unprotected", manifest.unprotected],
    ]),
  );
}

/**
 * What a manifest says of a file.
 *
 * @param manifest The manifest.
 * @param name The file as it lies in the store, such as `root.pxar.didx`.
 * @returns What it says; `undefined` where it does not list the file.
 */
export function manifestFile(
  manifest: Manifest,
  name: string,
): ManifestFile | undefined {
  return manifest.files.find((file) => file.name === name);
}

function fromParts(
  signed: JsonObject,
  signature: string | undefined,
  unprotected: JsonObject,
): Manifest {
  const type = BACKUP_TYPES.find((one) => one === signed.get("backup-type"));
  if (type === undefined) {
    refuse("its backup-type", signed.get("backup-type"), "vm, ct or host");
  }
  const id = textOf(signed, "backup-id", "its");
  const time = signed.get("backup-time");
  if (typeof time !== "number" || !isBackupTime(time)) {
    refuse("its backup-time", time, "seconds of the years 0 to 9999, not -1");
  }
  const list = signed.get("files");
  if (!Array.isArray(list)) refuse("its list of files", list, "a list");
  const files = (list as readonly Json[]).map(fileOf);
  const names = new Set<string>();
  for (const { name } of files) {
    if (names.has(name)) refuse("a file", name, "each file once");
    names.add(name);
  }
  return {
    type,
    id: parseBackupId(id),
    time,
    files,
    signature,
    signed,
    unprotected,
  };
}

function fileOf(entry: Json): ManifestFile {
  if (!isObject(entry)) refuse("a file", entry, "an object");
  const name = textOf(entry, "filename", "a file's");
  if (name === MANIFEST_NAME || parseArchiveName(name).server !== name) {
    refuse("a file's name", name, "NAME.didx, NAME.fidx or another NAME.blob");
  }
  const of = ` of ${shown(name)}`;
  const mode = entry.has("crypt-mode") ? entry.get("crypt-mode") : "none";
  const cryptMode = CRYPT_MODES.find((one) => one === mode);
  if (cryptMode === undefined) {
    refuse(`the crypt-mode${of}`, mode, CRYPT_MODES.join(", "));
  }
  const size = entry.get("size");
  if (!isCount(size)) {
    refuse(`the size${of}`, size, "0 to 2^53 - 1");
  }
  const csum = entry.get("csum");
  if (typeof csum !== "string" || !/^[0-9A-Fa-f]{64}$/.test(csum)) {
    refuse(`the csum${of}`, csum, "64 hex digits");
  }
  return { name, cryptMode, size, csum: parseDigest(csum.toLowerCase()) };
}

function textOf(from: JsonObject, name: string, whose: string): string {
  const value = from.get(name);
  if (typeof value !== "string") refuse(`${whose} ${name}`, value, "a text");
  return value;
}
