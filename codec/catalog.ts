/**
 * Catalogs (`catalog.pcat1`): the names, sizes and times of all that is in the archives of a snapshot, without the archives.
 *
 * The root has one directory for each archive, named like its file, such as `root.pxar.didx`. Directories are tables, in the file before those that lead to them.
 *
 * ```text
 * file      := magic (8 bytes), tables, u64: where the root's table starts
 * table     := varuint: length of what follows, varuint: number of entries, entries
 * entry     := type (one letter), varuint: length of the name, name, more
 * more      := of a directory (d), varuint: how far before this table its own starts
 *              of a file (f), varuint: size in bytes; varint: mtime in seconds
 *              of a symlink (l), hardlink (h), block (b) or character device (c), fifo (p), socket (s), nothing
 * ```
 *
 * Source: spec H.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";

/** What an entry of a catalog is. A hardlink does not tell of what. */
export type CatalogKind =
  | "directory"
  | "file"
  | "symlink"
  | "hardlink"
  | "block"
  | "char"
  | "fifo"
  | "socket";

/** An entry of a catalog. */
export interface CatalogEntry {
  /** What it is. */
  readonly kind: CatalogKind;
  /** One path component, raw bytes; empty for the root. */
  readonly name: Bytes;
  /** Length of a file in bytes; else `undefined`. */
  readonly size: number | undefined;
  /** Time of a file's last change in whole seconds since 1970; else `undefined`. */
  readonly mtime: number | undefined;
  /** Where a directory's table starts in the catalog, bytes; else `undefined`. */
  readonly start: number | undefined;
}

/** The first eight bytes. Source: spec H. */
export const CATALOG_MAGIC: Bytes = Uint8Array.of(
  0x91,
  0xfd,
  0x60,
  0xf9,
  0xc4,
  0x67,
  0x58,
  0xd5,
);

/** The letter that stands for a kind, as a byte. */
export const CATALOG_TYPES: Readonly<Record<CatalogKind, number>> = {
  directory: 0x64,
  file: 0x66,
  symlink: 0x6c,
  hardlink: 0x68,
  block: 0x62,
  char: 0x63,
  fifo: 0x70,
  socket: 0x73,
};

/** Longest name, bytes; official readers take no longer one. */
export const CATALOG_NAME_LIMIT = 4095;
