/**
 * What flows from a source to a sink: one node of a tree, or the place where a directory closes.
 *
 * @module
 */
import type { Acl } from "./acl.ts";
import { type Bytes, NO_BYTES } from "./bytes.ts";
import type { Device } from "./device.ts";
import type { Metadata } from "./metadata.ts";
import type { XAttr } from "./xattr.ts";

/** What an entry is. `inject` names known payload chunks; `end` closes the directory that is open, and the root's closes the archive. */
export type EntryKind =
  | "version"
  | "prelude"
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "device"
  | "fifo"
  | "socket"
  | "inject"
  | "end";

/** What few entries have. */
export interface Attributes {
  /** Extended attributes in the order of the source. */
  readonly xattrs: readonly XAttr[];
  /** Access control list; `undefined` where there is none beyond the mode. */
  readonly acl: Acl | undefined;
  /** Raw value of `security.capability`. */
  readonly fcaps: Bytes | undefined;
  /** Quota project id. */
  readonly projectId: number | undefined;
}

/** What is in a file: pulled once, in order, into the memory of whoever wants it; valid until the next batch is asked for. */
export interface Content {
  /** Length in bytes; {@linkcode read} gives exactly this many in all. */
  readonly size: number;
  /**
   * Fills `into` as far as is cheap.
   *
   * @returns How many bytes were put there, 0 only at the end or for an empty `into`. A promise only where the bytes are not at hand.
   */
  read(into: Bytes): number | Promise<number>;
  /** Lets go of what is behind a held content; `undefined` where nothing is held. */
  readonly release: (() => void) | undefined;
}

/** Where a file's payload lies in the payload stream of a split archive. */
export interface PayloadRef {
  /** Position of the PAYLOAD header in the payload stream, bytes. */
  readonly offset: number;
  /** Length of the content without the header, bytes. */
  readonly size: number;
}

/**
 * One entry. Every property is always present, in this order, so that all entries have one shape.
 *
 * `name`, `target` and `attributes` stay valid for good; only `content` expires.
 */
export interface Entry extends Metadata {
  /** What it is. */
  readonly kind: EntryKind;
  /** One path component, raw bytes; empty for the root, and for what has no name. */
  readonly name: Bytes;
  /** Type and permission bits, as in Linux `st_mode`; 0 where the kind has no metadata. */
  readonly mode: number;
  /** Owner. */
  readonly uid: number;
  /** Group. */
  readonly gid: number;
  /** Time of the last change of content: whole seconds since 1970-01-01T00:00:00Z, rounded down. */
  readonly secs: number;
  /** Nanoseconds after `secs`, 0 to 999 999 999. */
  readonly nanos: number;
  /** chattr and FAT attributes as the archive stores them; below 2^53. */
  readonly flags: number;
  /** Extended attributes, access control list, capabilities, project id. */
  readonly attributes: Attributes | undefined;
  /** A file's bytes, a prelude's or a version's; `undefined` where they are not at hand or reused. */
  readonly content: Content | undefined;
  /** A symlink's target; a hardlink's path of the first link, from the root of the tree, without leading slash. */
  readonly target: Bytes | undefined;
  /** Numbers of a device. */
  readonly device: Device | undefined;
  /** In a split archive, where the content lies. For `inject`, `size` is the length of the known chunks. */
  readonly payload: PayloadRef | undefined;
  /** A reused file: how far behind the payload position reached its PAYLOAD header lies, bytes. */
  readonly reused: number | undefined;
  /** What names the known chunks of an `inject`; opaque to the codec. */
  readonly token: unknown;
  /**
   * A number that rises within one source: in an archive where the FILENAME stands (the ENTRY for the root, the GOODBYE for an end), in a walk a running number;
   * `undefined` where the source knows that the file has one link.
   */
  readonly position: number | undefined;
  /** A hardlink's: the `position` of its first. */
  readonly linkPosition: number | undefined;
}

/** What sets an entry apart from an empty one. */
export type EntryParts = { readonly [Key in keyof Entry]?: Entry[Key] };

/**
 * Makes an entry of the one shape.
 *
 * @param kind What it is.
 * @param parts The properties that are not empty.
 * @returns An entry in which every property is present.
 *
 * @example
 * ```ts
 * import { makeEntry } from "./entry.ts";
 * import { fifoMetadata } from "./metadata.ts";
 *
 * makeEntry("fifo", { name: new TextEncoder().encode("queue"), ...fifoMetadata(0o600).build() });
 * ```
 */
export function makeEntry(kind: EntryKind, parts: EntryParts = {}): Entry {
  return {
    kind,
    name: parts.name ?? NO_BYTES,
    mode: parts.mode ?? 0,
    uid: parts.uid ?? 0,
    gid: parts.gid ?? 0,
    secs: parts.secs ?? 0,
    nanos: parts.nanos ?? 0,
    flags: parts.flags ?? 0,
    attributes: parts.attributes,
    content: parts.content,
    target: parts.target,
    device: parts.device,
    payload: parts.payload,
    reused: parts.reused,
    token: parts.token,
    position: parts.position,
    linkPosition: parts.linkPosition,
  };
}

/** What passes from stage to stage: some entries in order (64 or so), never empty. */
export type Batch = readonly Entry[];

/** A source of entries: the directory's children between it and its `end`, the root first, its `end` last. */
export type Batches = AsyncIterable<Batch> | Iterable<Batch>;

/** Content that is in memory already. */
export class BytesContent implements Content {
  /** Length in bytes. */
  readonly size: number;
  /** Nothing is held. */
  readonly release: undefined = undefined;
  #left: Bytes;

  /**
   * Starts before the first byte.
   *
   * @param bytes What is read; not copied.
   */
  constructor(bytes: Bytes) {
    this.size = bytes.length;
    this.#left = bytes;
  }

  /** Copies the next bytes into `into`. */
  read(into: Bytes): number {
    const part = this.#left.subarray(0, into.length);
    into.set(part);
    this.#left = this.#left.subarray(part.length);
    return part.length;
  }
}
