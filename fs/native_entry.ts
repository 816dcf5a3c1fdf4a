/**
 * What the C library tells of a file, as an entry.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Device } from "@pxar/format/device";
import type { Attributes, Content, Entry, EntryKind } from "@pxar/format/entry";
import type { Statx } from "@pxar/sys/files";

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
