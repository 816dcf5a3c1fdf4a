/**
 * The file that a manifest lies in: a blob, compressed, never encrypted.
 *
 * @module
 */
import { decodeBlob, joinBlob, parseBlob, sealBlob } from "@pxar/chunk/blob";
import type { Codecs } from "@pxar/chunk/codecs";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { type Manifest, manifestText, parseManifest } from "./manifest.ts";

/** The most bytes that a manifest's text has. */
export const MANIFEST_LIMIT = 16 * 1024 * 1024;

const UTF8 = new TextEncoder();
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Writes a manifest as the content of `index.json.blob`.
 *
 * Source: spec F.1.
 *
 * @param manifest The manifest.
 * @param codecs What compresses.
 * @returns The blob, header and body.
 * @throws {FormatError} If its text is longer than 16 MiB.
 */
export async function manifestBlob(
  manifest: Manifest,
  codecs: Codecs,
): Promise<Bytes> {
  const text = UTF8.encode(manifestText(manifest));
  if (text.length > MANIFEST_LIMIT) {
    throw new FormatError(
      `Cannot write manifest: it has ${text.length} bytes, expected ${MANIFEST_LIMIT} at most`,
    );
  }
  return joinBlob(await sealBlob(text, { codecs }));
}

/**
 * Reads a manifest from the content of `index.json.blob`. Its signature is not looked at: `verifyManifest` does that.
 *
 * Source: spec F.1.
 *
 * @param blob The blob, header and body.
 * @param codecs What decompresses; no more than 16 MiB.
 * @returns The manifest.
 * @throws {FormatError} If the blob or the manifest in it is none, the blob is encrypted, or the text too long.
 * @throws {IntegrityError} If the blob's CRC is wrong.
 */
export async function readManifestBlob(
  blob: Uint8Array,
  codecs: Codecs,
): Promise<Manifest> {
  const { kind } = parseBlob(blob);
  if (kind !== "plain" && kind !== "zstd") {
    throw new FormatError(
      "Cannot read manifest: its blob is encrypted, expected one that is not",
    );
  }
  const bytes = await decodeBlob(blob, { codecs, limit: MANIFEST_LIMIT });
  let text: string;
  try {
    text = STRICT.decode(bytes);
  } catch (cause) {
    throw new FormatError(
      "Cannot read manifest: it has bytes that are no UTF-8, expected text",
      { cause },
    );
  }
  return parseManifest(text);
}
