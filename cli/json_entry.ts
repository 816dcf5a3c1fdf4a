/**
 * An entry as an object for JSON.
 *
 * @module
 */
import type { Acl } from "@pxar/format/acl";
import type { Bytes } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";
import { CHATTR, FAT } from "@pxar/format/flags";
import { jsonName, jsonPath } from "./names.ts";
import { typeLetter } from "./show.ts";

const KNOWN = [...CHATTR, ...FAT];

/**
 * Everything that an entry holds, but its content.
 *
 * @param entry Any entry but an end.
 * @param path From the root, without leading slash.
 * @param size Length of its content, bytes.
 * @returns Only properties that apply. Raw values are base64.
 */
export function jsonEntry(
  entry: Entry,
  path: Bytes,
  size: number,
): Record<string, unknown> {
  const { kind, mode, attributes, target, device, payload } = entry;
  const out: Record<string, unknown> = {
    ...jsonPath(path),
    kind: kind === "device"
      ? (typeLetter(entry) === "b" ? "block" : "char")
      : kind,
  };
  if (kind !== "hardlink") {
    Object.assign(out, {
      mode: mode.toString(8),
      uid: entry.uid,
      gid: entry.gid,
      mtime: isoTime(entry.secs, entry.nanos),
      secs: entry.secs,
      nanos: entry.nanos,
    });
  }
  if (kind === "file") out.size = size;
  if (target !== undefined) Object.assign(out, jsonName("target", target));
  if (device !== undefined) {
    out.device = { major: device.major, minor: device.minor };
  }
  if (entry.flags !== 0) {
    out.flags = flagNames(entry.flags);
    out.flagBits = entry.flags;
  }
  if (attributes !== undefined) {
    const { xattrs, acl, fcaps, projectId } = attributes;
    if (xattrs.length > 0) {
      out.xattrs = xattrs.map(({ name, value }) => ({
        ...jsonName("name", name),
        value: value.toBase64(),
      }));
    }
    if (acl !== undefined) out.acl = jsonAcl(acl);
    if (fcaps !== undefined) out.fcaps = fcaps.toBase64();
    if (projectId !== undefined) out.projectId = projectId;
  }
  if (payload !== undefined) {
    out.payload = { offset: payload.offset, size: payload.size };
  }
  if (entry.position !== undefined) out.position = entry.position;
  if (entry.linkPosition !== undefined) out.linkPosition = entry.linkPosition;
  return out;
}

/**
 * The names of attributes of chattr and of FAT.
 *
 * @param flags As the archive stores them.
 * @returns In small letters; bits without a name are left out.
 */
export function flagNames(flags: number): string[] {
  return KNOWN.filter(({ stored }) => Math.floor(flags / stored) % 2 === 1).map(
    ({ name }) => name.toLowerCase(),
  );
}

/**
 * A time in UTC with all its digits.
 *
 * @param secs Seconds since 1970.
 * @param nanos Nanoseconds after them.
 * @returns As in ISO 8601; `undefined` where its calendar ends.
 */
export function isoTime(secs: number, nanos: number): string | undefined {
  const date = new Date(secs * 1000);
  if (Number.isNaN(date.getTime())) return undefined;
  return date.toISOString().replace(
    /\.\d+Z$/,
    `.${String(nanos).padStart(9, "0")}Z`,
  );
}

function jsonAcl(acl: Acl): Record<string, unknown> {
  return {
    users: acl.users,
    groups: acl.groups,
    groupObj: acl.groupObj,
    default: acl.default,
    defaultUsers: acl.defaultUsers,
    defaultGroups: acl.defaultGroups,
  };
}
