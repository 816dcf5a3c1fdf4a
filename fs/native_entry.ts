/**
 * What the C library tells of a file, as an entry.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Device } from "@pxar/format/device";
import type { Attributes, Content, Entry, EntryKind } from "@pxar/format/entry";
import {
  DT_BLK,
  DT_CHR,
  DT_FIFO,
  DT_LNK,
  DT_SOCK,
  readLink,
  type Statx,
} from "@pxar/sys/files";
import type { Libc } from "@pxar/sys/libc";

/** Makes an entry: an object literal, because this happens for every file. */
export function nativeEntry(
  kind: EntryKind,
  name: Bytes,
  stat: Statx,
  flags: number,
  attributes: Attributes | undefined,
  content?: Content,
  position?: number,
  target?: Bytes,
  device?: Device,
): Entry {
  return {
    kind,
    name,
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    secs: stat.secs,
    nanos: stat.nanos,
    flags,
    attributes,
    content,
    target,
    device,
    payload: undefined,
    reused: undefined,
    token: undefined,
    position,
    linkPosition: undefined,
  };
}

/**
 * Makes the entry of what is neither file nor directory.
 *
 * @param libc The C library.
 * @param fd A descriptor that names it.
 * @param name Its name.
 * @param stat What was told of it.
 * @returns The negated error number where a symlink's target cannot be read; `undefined` where its kind is unknown.
 */
export function nativeSpecial(
  libc: Libc,
  fd: number,
  name: Bytes,
  stat: Statx,
): Entry | number | undefined {
  const entry = (kind: EntryKind, target?: Bytes, device?: Device) =>
    nativeEntry(
      kind,
      name,
      stat,
      0,
      undefined,
      undefined,
      undefined,
      target,
      device,
    );
  switch (stat.type) {
    case DT_LNK: {
      const target = readLink(libc, fd);
      return typeof target === "number" ? target : entry("symlink", target);
    }
    case DT_CHR:
    case DT_BLK:
      return entry("device", undefined, {
        major: stat.deviceMajor,
        minor: stat.deviceMinor,
      });
    case DT_FIFO:
      return entry("fifo");
    case DT_SOCK:
      return entry("socket");
    default:
      return undefined;
  }
}
