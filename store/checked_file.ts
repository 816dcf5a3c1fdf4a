/**
 * Files of a snapshot, compared with what its manifest says of them: no index or blob is used before that.
 *
 * The manifest itself is to be checked before, by `verifyManifest`; the chunks of an index are checked when they are opened.
 *
 * @module
 */
import { blobKindOf, isEncrypted } from "@pxar/chunk/blob";
import type { ChunkIndex } from "@pxar/chunk/chunk_index";
import { hexOf, sameBytes } from "@pxar/chunk/digest";
import { openIndex } from "@pxar/chunk/open_index";
import { sha256Of } from "@pxar/chunk/sha256";
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  IntegrityError,
  TruncatedError,
} from "@pxar/format/errors";
import { parseArchiveName, RSA_KEY_NAME } from "./archive_name.ts";
import type { ManifestFile } from "./manifest.ts";
import type { Abortable, SnapshotReader } from "./store.ts";

/** Greatest length of a blob file, bytes: 128 MiB of data behind the longer header. */
const MOST_BLOB = (128 << 20) + 44;

/**
 * Opens an index of a snapshot.
 *
 * Source: spec D.4.
 *
 * @param reader Where it is.
 * @param file What the manifest says of it.
 * @returns The index; to be closed.
 * @throws {NotFoundError} If it is missing.
 * @throws {FormatError} If it is no index, or one of another kind than its name says.
 * @throws {IntegrityError} If it has another length or checksum than the manifest says.
 */
export async function checkedIndex(
  reader: Pick<SnapshotReader, "file">,
  file: ManifestFile,
  options: Abortable = {},
): Promise<ChunkIndex> {
  const { name } = file, { kind } = parseArchiveName(name);
  const index = await said(
    name,
    async () => await openIndex(await reader.file(name, options)),
  );
  try {
    if (index.kind !== kind) {
      throw new FormatError(
        `Cannot use ${name}: it is a ${index.kind} index, expected a ${kind} one, as its name says`,
      );
    }
    compare(file, index.size, await index.csum(options));
    return index;
  } catch (error) {
    await index.close();
    throw error;
  }
}

/**
 * Reads a blob file of a snapshot.
 *
 * Source: spec F.1.
 *
 * @param reader Where it is.
 * @param file What the manifest says of it.
 * @returns The blob, not decoded.
 * @throws {NotFoundError} If it is missing.
 * @throws {FormatError} If it is longer than any blob may be.
 * @throws {IntegrityError} If it has another length or checksum than the manifest says, or is encrypted where that says that it is not, or the reverse.
 */
export async function checkedBlob(
  reader: Pick<SnapshotReader, "file">,
  file: ManifestFile,
  options: Abortable = {},
): Promise<Bytes> {
  const { name, cryptMode } = file;
  const blob = await readBlobFile(reader, name, options);
  compare(file, blob.length, sha256Of(blob));
  const isSecret = isEncryptedBlob(blob);
  // The key for the holder of the master key is encrypted in a way of its own.
  const isMeant = cryptMode === "encrypt" && name !== RSA_KEY_NAME;
  if (isSecret === isMeant) return blob;
  throw new IntegrityError(
    `Cannot use ${name}: it is ${
      isSecret ? "encrypted" : "plain"
    }, expected the contrary, as the manifest says`,
  );
}

/** What opening gives; what is wrong with a file is said of it. */
async function said<T>(name: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    const why = cause.message.replace(/^Cannot read index: /, "");
    const { offset } = cause, Kind = cause.constructor as typeof FormatError;
    throw new Kind(`Cannot use ${name}: ${why}`, { offset, cause });
  }
}

/** Reads a blob file whole. */
export async function readBlobFile(
  reader: Pick<SnapshotReader, "file">,
  name: string,
  options: Abortable = {},
): Promise<Bytes> {
  const access = await reader.file(name, options);
  try {
    const { size } = access;
    if (size > MOST_BLOB) {
      throw new FormatError(
        `Cannot read ${name}: it has ${size} bytes, expected ${MOST_BLOB} at most`,
      );
    }
    const blob = new Uint8Array(size), got = await access.read(0, blob);
    if (got === size) return blob;
    throw new TruncatedError(
      `Cannot read ${name}: it ends at byte ${got}, expected ${size}`,
      { offset: got },
    );
  } finally {
    await access.close?.();
  }
}

/** Whether a blob begins like an encrypted one. */
export function isEncryptedBlob(blob: Bytes): boolean {
  const kind = blobKindOf(blob);
  return kind !== undefined && isEncrypted(kind);
}

function compare(
  { name, size, csum }: ManifestFile,
  actualSize: number,
  actual: Bytes,
): void {
  if (actualSize === size && sameBytes(actual, csum)) return;
  throw new IntegrityError(
    `Cannot use ${name}: it has ${actualSize} bytes and checksum ${
      hexOf(actual)
    }, expected ${size} and ${hexOf(csum)}, as the manifest says`,
    { expected: hexOf(csum), actual: hexOf(actual) },
  );
}
