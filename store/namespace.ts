/**
 * Namespaces: folders of groups in a store, up to seven deep. As text they are `a/b`, and the root is the empty text; on disk `ns/a/ns/b`.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { isSafeId, SAFE_ID_RULE } from "./safe_id.ts";
import { shown } from "./shown.ts";

/** The namespace that every other one is below. */
export const ROOT_NAMESPACE = "";
/** The most parts that a namespace has. */
export const MAX_NAMESPACE_DEPTH = 7;

/** The most characters of a namespace; a single part has one less, as in PBS. */
const NAMESPACE_LIMIT = 256;
/** Stands before every part on disk. */
const FOLDER = "ns";

/**
 * Reads a namespace.
 *
 * Source: spec E.1.
 *
 * @param text Safe ids with a slash between; empty for the root.
 * @returns The same text.
 * @throws {FormatError} If a part is no safe id, there are more than 7 of them, or all is longer than 256 characters.
 *
 * @example
 * ```ts
 * import { namespacePath, parseNamespace } from "@pxar/store/namespace";
 *
 * namespacePath(parseNamespace("office/laptops")); // "ns/office/ns/laptops"
 * ```
 */
export function parseNamespace(text: string): string {
  if (text === ROOT_NAMESPACE) return text;
  // PBS counts a slash for the first part too.
  const length = text.includes("/") ? text.length : text.length + 1;
  if (length > NAMESPACE_LIMIT) {
    throw new FormatError(
      `Cannot take namespace ${
        shown(text)
      }: it has ${text.length} characters, expected ${NAMESPACE_LIMIT} at most`,
    );
  }
  const parts = text.split("/");
  for (const part of parts) {
    if (!isSafeId(part)) {
      throw new FormatError(
        `Cannot take namespace ${shown(text)}: one part is ${
          shown(part)
        }, expected ${SAFE_ID_RULE}`,
      );
    }
  }
  if (parts.length > MAX_NAMESPACE_DEPTH) {
    throw new FormatError(
      `Cannot take namespace ${
        shown(text)
      }: it has ${parts.length} parts, expected ${MAX_NAMESPACE_DEPTH} at most`,
    );
  }
  return text;
}

/**
 * How deep a namespace is.
 *
 * @param namespace A namespace.
 * @returns 0 for the root, up to 7.
 */
export function namespaceDepth(namespace: string): number {
  return partsOf(namespace).length;
}

/**
 * The namespace that one lies in.
 *
 * @param namespace A namespace.
 * @returns The one above; `undefined` for the root.
 */
export function namespaceParent(namespace: string): string | undefined {
  if (namespace === ROOT_NAMESPACE) return undefined;
  return namespace.slice(0, Math.max(0, namespace.lastIndexOf("/")));
}

/**
 * A namespace directly below another.
 *
 * @param namespace The one above.
 * @param part Its name there.
 * @returns The one below.
 * @throws {FormatError} If the name is no safe id, or the namespace would be too deep or too long.
 */
export function namespaceChild(namespace: string, part: string): string {
  if (!isSafeId(part)) {
    throw new FormatError(
      `Cannot take namespace part ${
        shown(part)
      }: it is not one safe id, expected ${SAFE_ID_RULE}`,
    );
  }
  return parseNamespace(
    namespace === ROOT_NAMESPACE ? part : `${namespace}/${part}`,
  );
}

/**
 * Whether a namespace lies below another, at any depth. None lies below itself.
 *
 * @param namespace The one that may lie below.
 * @param above The one above.
 * @returns Whether it does.
 */
export function isBelow(namespace: string, above: string): boolean {
  if (above === ROOT_NAMESPACE) return namespace !== ROOT_NAMESPACE;
  return namespace.startsWith(`${above}/`);
}

/**
 * Orders namespaces so that each stands directly before those below it.
 *
 * @param a One namespace.
 * @param b The other.
 * @returns Below 0 where `a` comes first, 0 where they are equal.
 */
export function compareNamespaces(a: string, b: string): number {
  const left = partsOf(a), right = partsOf(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    if (left[i]! !== right[i]!) return left[i]! < right[i]! ? -1 : 1;
  }
  return left.length - right.length;
}

/**
 * Where a namespace lies in a store.
 *
 * Source: spec E.1.
 *
 * @param namespace A namespace.
 * @returns Path below the store: `ns/a/ns/b`; empty for the root.
 */
export function namespacePath(namespace: string): string {
  return partsOf(namespace).map((part) => `${FOLDER}/${part}`).join("/");
}

/**
 * The namespace that lies at a path; the inverse of {@linkcode namespacePath}.
 *
 * @param path Path below the store, without slash at its ends.
 * @returns The namespace.
 * @throws {FormatError} If the path is not that of a namespace.
 */
export function parseNamespacePath(path: string): string {
  if (path === "") return ROOT_NAMESPACE;
  const names = path.split("/", 2 * MAX_NAMESPACE_DEPTH + 2);
  const parts = names.filter((_, i) => i % 2 === 1);
  if (
    names.length % 2 === 1 ||
    names.some((name, i) => i % 2 === 0 && name !== FOLDER) ||
    parts.includes("")
  ) {
    throw new FormatError(
      `Cannot take namespace path: it is ${
        shown(path)
      }, expected ${FOLDER}/NAME/${FOLDER}/NAME…`,
    );
  }
  return parseNamespace(parts.join("/"));
}

function partsOf(namespace: string): string[] {
  return namespace === ROOT_NAMESPACE ? [] : namespace.split("/");
}
