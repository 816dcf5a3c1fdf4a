/**
 * What Deno's own API tells of a file, as an entry.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { type Device, devToDevice } from "@pxar/format/device";
import { type Entry, type EntryKind, makeEntry } from "@pxar/format/entry";
import type { ReadSettings } from "./read_options.ts";

/** Type bits of a mode. */
const TYPES: { readonly [kind: string]: number } = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  fifo: 0o010000,
  socket: 0o140000,
};
const BLOCK = 0o060000, CHARACTER = 0o020000;

/** Permissions where the system has none. */
const PERMISSIONS: { readonly [kind: string]: number } = {
  directory: 0o755,
  symlink: 0o777,
};

/**
 * Makes an entry, and counts what is not known of it.
 *
 * @param kind What it is.
 * @param name Its name.
 * @param info What Deno tells.
 * @param settings Where it is counted.
 */
export function portableEntry(
  kind: EntryKind,
  name: Bytes,
  info: Deno.FileInfo,
  settings: ReadSettings,
): Entry {
  const { report, xattrs } = settings;
  const { mode, uid, gid, mtime } = info;
  const hasModes = mode !== null && Deno.build.os !== "windows";
  if (kind === "file" || kind === "directory") {
    if (xattrs) report.lose("xattrs");
    report.lose("flags");
  }
  if (!hasModes) report.lose("modes");
  if (!hasModes || uid === null || gid === null) report.lose("owners");
  report.lose(mtime === null ? "times" : "nanoseconds");
  const time = mtime?.getTime() ?? 0;
  const secs = Math.floor(time / 1000);
  const type = kind !== "device"
    ? TYPES[kind]!
    : info.isBlockDevice === true
    ? BLOCK
    : CHARACTER;
  return makeEntry(kind, {
    name,
    mode: type | (hasModes ? mode & 0o7777 : PERMISSIONS[kind] ?? 0o644),
    uid: uid ?? 0,
    gid: gid ?? 0,
    secs,
    nanos: (time - secs * 1000) * 1_000_000,
  });
}

/**
 * A device's numbers.
 *
 * @param info What Deno tells.
 * @returns `undefined` where it is none, or where it is not known how the system puts both numbers into one.
 */
export function portableDevice(info: Deno.FileInfo): Device | undefined {
  const { rdev } = info;
  if (
    rdev === null || (info.isBlockDevice !== true && info.isCharDevice !== true)
  ) return undefined;
  switch (Deno.build.os) {
    case "linux":
    case "android":
      return devToDevice(BigInt(rdev));
    case "darwin":
      return { major: rdev >>> 24 & 0xff, minor: rdev & 0xffffff };
    default:
      return undefined;
  }
}
