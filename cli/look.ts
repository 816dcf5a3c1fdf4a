/**
 * Looking things up in an archive.
 *
 * @module
 */
import type { Accessor, Node } from "@pxar/codec/accessor";
import type { Bytes } from "@pxar/format/bytes";
import { EXIT, ExitError } from "./exits.ts";
import { absolute, argumentBytes, plainPath, quote } from "./names.ts";

/** Something that was found. */
export interface Found {
  /** What it is. */
  readonly node: Node;
  /** Where it is: from the root, without leading slash. */
  readonly path: Bytes;
}

/**
 * Finds an entry.
 *
 * @param accessor The archive.
 * @param text Its path, as given on the command line.
 * @param escaped Whether the path has escapes.
 * @returns What is there.
 * @throws {ExitError} If there is nothing.
 */
export async function find(
  accessor: Accessor,
  text: string,
  escaped: boolean,
): Promise<Found> {
  const path = plainPath(argumentBytes(text, escaped));
  const node = path.length === 0 ? accessor.root : await accessor.lookup(path);
  if (node === undefined) throw notFound(path);
  return { node, path };
}

/**
 * The error for a path that is not there.
 *
 * @param path From the root, without leading slash.
 */
export function notFound(path: Bytes): ExitError {
  return new ExitError(
    EXIT.missing,
    `Cannot find ${absolute(quote(path))}: it is not in the archive`,
  );
}
