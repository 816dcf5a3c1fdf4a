// What happens to a chunk that is there already. Source: spec C.3.
import { blobKindOf, isEncrypted } from "@pxar/chunk/blob";
import type { Bytes } from "@pxar/format/bytes";
import { IntegrityError } from "@pxar/format/errors";

/**
 * Whether a new blob takes the place of the one that is there; otherwise that one stays.
 *
 * @param hex The chunk's digest.
 * @param header Header of the new blob.
 * @param size Length of the new blob, bytes.
 * @param there Length of the blob that is there, bytes.
 * @param start First bytes of the blob that is there, eight where it has as many.
 * @throws {IntegrityError} If one is plain and the other encrypted, or both are encrypted, not compressed and of different lengths: a digest stands for one
 * content, so this is a mistake or an attack.
 */
export function isReplaced(
  hex: string,
  header: Bytes,
  size: number,
  there: number,
  start: () => Uint8Array,
): boolean {
  if (there === 0) return true;
  if (size === there) return false;
  const kind = blobKindOf(header)!, old = blobKindOf(start());
  // What is there is no blob at all.
  if (old === undefined) return true;
  if (isEncrypted(kind) !== isEncrypted(old)) {
    throw new IntegrityError(
      `Cannot keep chunk ${hex}: it is ${
        isEncrypted(kind) ? "encrypted" : "plain"
      }, and one that is not is in the store under its digest`,
    );
  }
  if (kind === "encrypted" && old === "encrypted") {
    throw new IntegrityError(
      `Cannot keep chunk ${hex}: one of another length is in the store under its digest`,
    );
  }
  return !isEncrypted(kind) && there > size;
}
