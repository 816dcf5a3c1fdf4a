/**
 * The names of a snapshot's files: as users say them (`root.pxar`), and as they lie in the store (`root.pxar.didx`).
 *
 * @module
 */
import { FormatError, NotFoundError } from "@pxar/format/errors";
import { isSafeId, SAFE_ID_RULE } from "./safe_id.ts";
import { shown } from "./shown.ts";

/** The manifest; a snapshot without it is not finished. */
export const MANIFEST_NAME = "index.json.blob";
/** What the client told while it made the snapshot; no manifest lists it. */
export const CLIENT_LOG_NAME = "client.log.blob";
/** The catalog of a snapshot whose archives are not split. */
export const CATALOG_NAME = "catalog.pcat1.didx";
/** The key, encrypted for the holder of a master key. */
export const RSA_KEY_NAME = "rsa-encrypted.key.blob";
/** An empty file that keeps a snapshot from being removed. */
export const PROTECTED_NAME = ".protected";

/** How a file is stored: as an index of chunks of any or of one length, or as one blob. */
export type ArchiveKind = "dynamic" | "fixed" | "blob";

/** What a file holds: an archive, the metadata or payload of a split one, a catalog, a disk, or the content of one file. */
export type ArchiveContent =
  | "pxar"
  | "metadata"
  | "payload"
  | "catalog"
  | "image"
  | "file";

/** The name of a file in a snapshot. */
export interface ArchiveName {
  /** As it lies in the store: `root.pxar.didx`. */
  readonly server: string;
  /** As users say it: `root.pxar`. */
  readonly client: string;
  /** How it is stored. */
  readonly kind: ArchiveKind;
  /** What it holds; `undefined` for a list of chunks whose name does not tell. */
  readonly content: ArchiveContent | undefined;
}

/** The files that make up what was asked for. */
export type ArchiveFiles =
  | { readonly split: false; readonly file: ArchiveName }
  | {
    readonly split: true;
    readonly metadata: ArchiveName;
    readonly payload: ArchiveName;
  };

const KINDS: ReadonlyMap<string, ArchiveKind> = new Map([
  ["didx", "dynamic"],
  ["fidx", "fixed"],
  ["blob", "blob"],
]);
/** What the store adds to a user's name. */
const STORED: ReadonlyMap<string, string> = new Map([
  ["pxar", "didx"],
  ["mpxar", "didx"],
  ["ppxar", "didx"],
  ["pcat1", "didx"],
  ["img", "fidx"],
  ["conf", "blob"],
  ["json", "blob"],
  ["key", "blob"],
  ["log", "blob"],
]);
const CONTENTS: ReadonlyMap<string, ArchiveContent> = new Map([
  ["pxar", "pxar"],
  ["mpxar", "metadata"],
  ["ppxar", "payload"],
  ["pcat1", "catalog"],
]);

/**
 * Reads the name of a file in a snapshot, in either form.
 *
 * Source: spec E.2.
 *
 * @param text A safe id that ends in `.didx`, `.fidx` or `.blob`, or in what is stored as one of these.
 * @returns Both forms, and what the name tells.
 * @throws {FormatError} If it is not one, so never with a slash in it.
 *
 * @example
 * ```ts
 * import { parseArchiveName } from "@pxar/store/archive_name";
 *
 * parseArchiveName("disk.img").server; // "disk.img.fidx"
 * ```
 */
export function parseArchiveName(text: string): ArchiveName {
  if (!isSafeId(text)) {
    throw new FormatError(
      `Cannot take archive name: it is ${
        shown(text)
      }, expected ${SAFE_ID_RULE}`,
    );
  }
  const extension = extensionOf(text);
  const kind = KINDS.get(extension);
  if (kind !== undefined) {
    return named(text, text.slice(0, -extension.length - 1), kind);
  }
  const stored = STORED.get(extension);
  if (stored !== undefined) {
    return named(`${text}.${stored}`, text, KINDS.get(stored)!);
  }
  throw new FormatError(
    `Cannot take archive name: it is ${
      shown(text)
    }, expected one that ends in ${
      [...KINDS.keys(), ...STORED.keys()].map((one) => `.${one}`).join(" ")
    }`,
  );
}

/**
 * The names of the two files that a split archive is stored as.
 *
 * Source: spec E.2.
 *
 * @param client As users say it, such as `root.pxar`; the name of one of the two says the same.
 * @returns `root.mpxar.didx` and `root.ppxar.didx`, in both forms.
 */
export function splitNames(
  client: string,
): { readonly metadata: ArchiveName; readonly payload: ArchiveName } {
  const base = client.slice(0, client.lastIndexOf("."));
  return {
    metadata: parseArchiveName(`${base}.mpxar`),
    payload: parseArchiveName(`${base}.ppxar`),
  };
}

/**
 * Whether a file in a snapshot's folder is one of its data: an index or a blob, whatever stands before the ending.
 *
 * Source: spec E.1.
 *
 * @param name The file's name.
 * @returns Whether it is listed.
 */
export function isDataFile(name: string): boolean {
  return /^[^\n]*\.(?:[fd]idx|blob)$/.test(name);
}

/**
 * Finds what was asked for among the files of a snapshot. `x.pxar` also means the split archive of that name, and each half of one means both.
 *
 * Source: spec E.2, protocol spec G.5.
 *
 * @param text What was asked for, in either form.
 * @param files The names that the manifest lists, as they lie in the store.
 * @returns One file, or the two of a split archive.
 * @throws {FormatError} If it is no archive name.
 * @throws {NotFoundError} If it is not listed, or only half of it is.
 */
export function resolveArchive(
  text: string,
  files: Iterable<string>,
): ArchiveFiles {
  const asked = parseArchiveName(text);
  const listed = new Set(files);
  if (asked.content === "metadata" || asked.content === "payload") {
    return pair(asked, listed);
  }
  if (!listed.has(asked.server)) {
    if (asked.content === "pxar") return pair(asked, listed);
    throw notListed(asked.client, asked.server);
  }
  return { split: false, file: asked };
}

function named(server: string, client: string, kind: ArchiveKind): ArchiveName {
  const content = kind === "fixed"
    ? "image"
    : kind === "blob"
    ? "file"
    : CONTENTS.get(extensionOf(client));
  return { server, client, kind, content };
}

/** The two files of a split archive of which one, or the unsplit form, was asked for. */
function pair(asked: ArchiveName, listed: ReadonlySet<string>): ArchiveFiles {
  const { metadata, payload } = splitNames(asked.client);
  const missing = [metadata, payload].filter((one) => !listed.has(one.server));
  if (missing.length === 0) return { split: true, metadata, payload };
  throw asked.content === "pxar" && missing.length === 2
    ? notListed(asked.client, asked.server)
    : notListed(asked.client, missing[0]!.server);
}

function notListed(client: string, server: string): NotFoundError {
  return new NotFoundError(
    `Cannot find ${shown(client)} in the snapshot: its manifest does not list ${
      shown(server)
    }, expected an archive of it`,
  );
}

/** What stands behind the last dot; empty where nothing stands before it. */
function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1) : "";
}
