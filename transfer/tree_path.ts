/**
 * Paths within a tree: from its root, without leading slash, raw bytes.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { joinPath, showName } from "@pxar/format/name";

const SLASH = 0x2f, DOT = 0x2e;

/**
 * A path in its one form.
 *
 * @param path With or without slashes around; a string stands for its UTF-8. Empty components and "." are passed over.
 * @returns Components with one slash between; empty for the root.
 * @throws {TypeError} If a component is "..".
 *
 * @example
 * ```ts
 * import { treePath } from "@pxar/transfer/tree_path";
 *
 * new TextDecoder().decode(treePath("/etc//./nginx/")); // "etc/nginx"
 * ```
 */
export function treePath(path: string | Bytes): Bytes {
  const bytes = typeof path === "string"
    ? new TextEncoder().encode(path)
    : path;
  let plain: Bytes = NO_BYTES;
  for (const name of namesOf(bytes)) {
    if (name.length === 1 && name[0] === DOT) continue;
    if (name.length === 2 && name[0] === DOT && name[1] === DOT) {
      throw new TypeError(
        `Cannot take path "${
          showName(bytes)
        }": it has a component "..", expected none`,
      );
    }
    plain = joinPath(plain, name);
  }
  return plain;
}

/**
 * The components of a path, without empty ones.
 *
 * @param path From the root.
 */
export function namesOf(path: Bytes): Bytes[] {
  const names: Bytes[] = [];
  for (let at = 0; at < path.length;) {
    const slash = path.indexOf(SLASH, at);
    const to = slash < 0 ? path.length : slash;
    if (to > at) names.push(path.subarray(at, to));
    at = to + 1;
  }
  return names;
}

/**
 * The directory that a path is in.
 *
 * @param path In its one form; not that of the root.
 * @returns Its path; empty for the root.
 */
export function parentOf(path: Bytes): Bytes {
  return path.subarray(0, Math.max(0, path.lastIndexOf(SLASH)));
}

/**
 * The last component of a path.
 *
 * @param path In its one form.
 * @returns Its name; empty for the root.
 */
export function lastOf(path: Bytes): Bytes {
  return path.subarray(path.lastIndexOf(SLASH) + 1);
}

/**
 * Where a path lies from a directory on.
 *
 * @param path From the root.
 * @param directory From the root, too.
 * @returns From the directory; empty for itself; `undefined` if it does not lie there.
 */
export function pathWithin(path: Bytes, directory: Bytes): Bytes | undefined {
  const { length } = directory;
  if (length === 0) return path;
  for (let i = 0; i < length; i++) {
    if (path[i] !== directory[i]) return undefined;
  }
  if (path.length === length) return NO_BYTES;
  return path[length] === SLASH ? path.subarray(length + 1) : undefined;
}
