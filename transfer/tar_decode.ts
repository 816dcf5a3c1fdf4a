/**
 * Tar archives to entries.
 *
 * @module
 */
import { bytesAccess, type RandomAccess } from "@pxar/codec/random_access";
import type { ByteInput } from "@pxar/codec/stream_reader";
import type { Batch } from "@pxar/format/entry";
import type { TarNames } from "./tar_acl.ts";
import { sorted } from "./tar_sorted.ts";
import { inOrder } from "./tar_stream.ts";
import type { DecodeTarOptions } from "./tar_telling.ts";

export type { DecodeTarOptions, TarNames };

/**
 * Decodes a tar archive of any common form: POSIX (ustar and pax), GNU with long names, large numbers and holes, version 7.
 *
 * A tar archive has its members in any order, a stream of entries has not. From where bytes can be read from any place (a `RandomAccess`, or bytes in memory) all headers
 * are read first, and the entries come sorted by name, each file's content when it is asked for. A later member of the same path then takes the place of an earlier one.
 * From a stream the entries come in the archive's own order, which works for what GNU tar wrote in one go, where each directory is followed by all that is in it;
 * where a directory is met again after it was left, or a path a second time, that is an error.
 *
 * Directories that no member is are 0755 and have owner, group and time of the first member below them. Paths lose what leads to the root: `/`, `./`.
 * Owners are taken by number.
 *
 * Source: POSIX.1-2017, pax; GNU tar 1.35 manual, "Tar Internals".
 *
 * @param input The archive, not compressed. A stream is closed at the end, a `RandomAccess` is not.
 * @param options What becomes of what cannot be kept.
 * @returns The entries, as `decode` gives those of an archive. Contents hold until the next batch is asked for.
 * @throws {FormatError} If the bytes are no tar archive, or a damaged one.
 * @throws {TruncatedError} If it ends without saying so.
 * @throws {UnsupportedError} If it comes in order, and its order is not that of a tree; if it consists of several volumes; if there are more entries than there may be.
 *
 * @example
 * ```ts
 * import { encode } from "@pxar/codec/encode";
 * import { decodeTar } from "@pxar/transfer/tar_decode";
 * import type { RandomAccess } from "@pxar/codec/random_access";
 *
 * // Makes an archive of a tar file.
 * async function convert(tar: RandomAccess, write: (piece: Uint8Array) => Promise<void>) {
 *   await encode(decodeTar(tar), { metadata: { write } });
 * }
 * ```
 */
export async function* decodeTar(
  input: RandomAccess | ByteInput,
  options: DecodeTarOptions = {},
): AsyncGenerator<Batch, void, void> {
  if (input instanceof Uint8Array) {
    yield* sorted(bytesAccess(input), options);
  } else if ("size" in input && "read" in input) yield* sorted(input, options);
  else yield* inOrder(input, options);
}
