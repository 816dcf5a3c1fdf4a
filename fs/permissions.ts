/**
 * The permissions that a restored file may have.
 *
 * @module
 */
import type { Entry } from "@pxar/format/entry";

const SET_ID = 0o6000;

/**
 * What may be set of an entry's permissions, so that nobody may do more than before.
 *
 * @param entry The entry.
 * @param owned Whether its owner and group could be set. Without, a program would run with another's rights: a file loses set-uid and set-gid.
 * @param listed Whether its access list is in force. Without, the group's bits would be the list's mask: they become the owning group's.
 * @returns Permission bits.
 */
export function safePermissions(
  { kind, mode, attributes }: Entry,
  owned: boolean,
  listed: boolean,
): number {
  let permissions = mode & 0o7777;
  if (!owned && kind === "file") permissions &= ~SET_ID;
  const group = attributes?.acl?.groupObj;
  if (!listed && group !== undefined) {
    permissions &= ~0o70 | (group & 7) << 3;
  }
  return permissions;
}
