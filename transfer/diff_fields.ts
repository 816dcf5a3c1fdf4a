/**
 * What differs in two entries of one path, their contents apart.
 *
 * @module
 */
import type { Acl } from "@pxar/format/acl";
import type { Bytes } from "@pxar/format/bytes";
import type { Attributes, Entry } from "@pxar/format/entry";
import { type Metadata, metadataIdentical } from "@pxar/format/metadata";
import { compareNames } from "@pxar/format/name";
import { MODE } from "@pxar/format/stat";
import type { XAttr } from "@pxar/format/xattr";

/** What can differ in an entry that is in both trees and of one kind. */
export const DIFF_FIELDS = [
  "content",
  "mode",
  "owner",
  "mtime",
  "xattrs",
  "acl",
  "fcaps",
  "flags",
  "project-id",
  "target",
  "device",
  "link",
] as const;

/** One of {@linkcode DIFF_FIELDS}: `target` is a symlink's, `link` the path of the first link that a hardlink goes to. */
export type DiffField = typeof DIFF_FIELDS[number];

const NOTHING: readonly never[] = [];

/**
 * Compares all of two entries but their names and contents. Extended attributes may be in any order.
 *
 * @param one An entry.
 * @param other Another one.
 * @returns What differs, in the order of {@linkcode DIFF_FIELDS}; `kind` alone where they are of different kinds.
 */
export function entryFields(
  one: Entry,
  other: Entry,
): readonly (DiffField | "kind")[] {
  const { kind } = one;
  if (kind !== other.kind) return ["kind"];
  // A block device and a character device are of one kind here, and nowhere else.
  if (kind === "device" && typeOf(one) !== typeOf(other)) return ["kind"];
  const same = metadataIdentical(one, other);
  if (same && one.target === other.target && one.device === other.device) {
    return NOTHING;
  }
  const fields = same ? [] : metadataFields(one, other);
  if (!sameOptional(one.target, other.target)) {
    fields.push(kind === "hardlink" ? "link" : "target");
  }
  if (
    one.device?.major !== other.device?.major ||
    one.device?.minor !== other.device?.minor
  ) fields.push("device");
  return fields;
}

function typeOf({ mode }: Entry): number {
  return mode & MODE.IFMT;
}

/** What differs in metadata that are not identical; nothing where only the order of extended attributes does. */
function metadataFields(one: Metadata, other: Metadata): DiffField[] {
  const fields: DiffField[] = [];
  if (one.mode !== other.mode) fields.push("mode");
  if (one.uid !== other.uid || one.gid !== other.gid) fields.push("owner");
  if (one.secs !== other.secs || one.nanos !== other.nanos) {
    fields.push("mtime");
  }
  const a = one.attributes, b = other.attributes;
  if (a !== b) {
    if (!sameXattrs(a?.xattrs ?? NOTHING, b?.xattrs ?? NOTHING)) {
      fields.push("xattrs");
    }
    if (!metadataIdentical(withAcl(a?.acl), withAcl(b?.acl))) {
      fields.push("acl");
    }
    if (!sameOptional(a?.fcaps, b?.fcaps)) fields.push("fcaps");
  }
  if (one.flags !== other.flags) fields.push("flags");
  if (a?.projectId !== b?.projectId) fields.push("project-id");
  return fields;
}

/** Metadata of which nothing but the access lists can differ. */
function withAcl(acl: Acl | undefined): Metadata {
  const attributes: Attributes = {
    xattrs: NOTHING,
    acl,
    fcaps: undefined,
    projectId: undefined,
  };
  return { mode: 0, flags: 0, uid: 0, gid: 0, secs: 0, nanos: 0, attributes };
}

/** Whether there are the same extended attributes: file systems give them in any order. */
function sameXattrs(a: readonly XAttr[], b: readonly XAttr[]): boolean {
  if (a.length !== b.length) return false;
  const one = a.toSorted(compareXattrs), other = b.toSorted(compareXattrs);
  return one.every((xattr, i) => compareXattrs(xattr, other[i]!) === 0);
}

function compareXattrs(a: XAttr, b: XAttr): number {
  return compareNames(a.name, b.name) || compareNames(a.value, b.value);
}

function sameOptional(a: Bytes | undefined, b: Bytes | undefined): boolean {
  return a === undefined || b === undefined
    ? a === b
    : compareNames(a, b) === 0;
}
