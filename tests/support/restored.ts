// Small trees of entries, written down as they look, for writers; and what then stands on a disk, in words.
import {
  type Batch,
  type Content,
  type Entry,
  type EntryParts,
  makeEntry,
} from "@pxar/format/entry";
import type { Bytes } from "@pxar/format/bytes";
import type { Report } from "@pxar/fs/report";
import { writeTree, type WriteTreeOptions } from "@pxar/fs/write_tree";
import { BytesContent } from "./entries.ts";

/** The entries of one node, its children included. */
export type Node = readonly Entry[];

/** Text, or raw bytes given as one letter each. */
export function raw(text: string): Bytes {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** A file; 0644, of whoever runs the test. */
export function file(
  name: string,
  content: string | Content | undefined = "",
  parts: EntryParts = {},
): Node {
  return [
    makeEntry("file", {
      name: raw(name),
      mode: 0o100644,
      ...mine(),
      content: typeof content === "string"
        ? new BytesContent(raw(content))
        : content,
      ...parts,
    }),
  ];
}

/** A directory; 0755. */
export function dir(
  name: string,
  children: readonly Node[] = [],
  parts: EntryParts = {},
): Node {
  return [
    makeEntry("directory", {
      name: raw(name),
      mode: 0o040755,
      ...mine(),
      ...parts,
    }),
    ...children.flat(),
    makeEntry("end"),
  ];
}

/** A symlink. */
export function symlink(
  name: string,
  target: string,
  parts: EntryParts = {},
): Node {
  return [
    makeEntry("symlink", {
      name: raw(name),
      mode: 0o120777,
      ...mine(),
      target: raw(target),
      ...parts,
    }),
  ];
}

/** A hardlink. */
export function hardlink(
  name: string,
  target: string,
  parts: EntryParts = {},
): Node {
  return [
    makeEntry("hardlink", { name: raw(name), target: raw(target), ...parts }),
  ];
}

/** A fifo, a socket, or a character device 1:3. */
export function node(
  kind: "fifo" | "socket" | "device",
  name: string,
  parts: EntryParts = {},
): Node {
  const types = { fifo: 0o010000, socket: 0o140000, device: 0o020000 };
  return [
    makeEntry(kind, {
      name: raw(name),
      mode: types[kind] | 0o600,
      ...mine(),
      device: kind === "device" ? { major: 1, minor: 3 } : undefined,
      ...parts,
    }),
  ];
}

/** A whole tree in one batch. */
export function tree(children: readonly Node[], parts?: EntryParts): Batch[] {
  return [[...dir("", children, parts)]];
}

/** Restores a tree. */
export function restore(
  path: string,
  children: readonly Node[],
  options: WriteTreeOptions = {},
): Promise<Report> {
  return writeTree(path, tree(children), options);
}

/** What was said, errors and warnings. */
export function messages(report: Report): string[] {
  return report.problems.map(({ message }) => message);
}

/** Everything below a directory, sorted: `d`irectories, `f`iles with their content, `l`inks with their target, `o`thers; names with their mode. */
export function found(path: string, prefix = ""): string[] {
  const names = [...Deno.readDirSync(path)].map(({ name }) => name).sort();
  return names.flatMap((name) => {
    const at = `${path}/${name}`, shown = prefix + name;
    const { isDirectory, isFile, isSymlink, mode } = Deno.lstatSync(at);
    const permissions = ((mode ?? 0) & 0o7777).toString(8);
    if (isDirectory) {
      return [`d ${shown} ${permissions}`, ...found(at, `${shown}/`)];
    }
    if (isSymlink) return [`l ${shown} ${Deno.readLinkSync(at)}`];
    return isFile
      ? [`f ${shown} ${permissions} ${Deno.readTextFileSync(at)}`]
      : [`o ${shown} ${permissions}`];
  });
}

function mine(): { uid: number; gid: number } {
  return { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
}
