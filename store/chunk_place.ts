// What a datastore needs of the place where its chunks lie: a folder on disk, or memory. Synchronous, so that workers and the main thread use the same code.
import type { Digest } from "@pxar/chunk/digest";
import type { Bytes } from "@pxar/format/bytes";
import type { ChunkPut } from "./store.ts";

/** What a file beside or in place of a chunk is. */
export type ChunkFileKind = "chunk" | "bad" | "marker" | "temporary";

/** A file in one of the chunk folders. */
export interface ChunkFile {
  /** What it is. */
  readonly kind: ChunkFileKind;
  /** Digest in hexadecimal digits. */
  readonly hex: string;
  /** Its name among all. */
  readonly path: string;
}

/** What is known of a chunk's file. */
export interface ChunkFileState {
  /** Length, bytes. */
  readonly size: number;
  /** When it was last used, milliseconds since 1970. */
  readonly atime: number;
  /** When it was written, milliseconds since 1970. */
  readonly mtime: number;
  /** Number of the file where it lies, which on a disk says which are near one another. */
  readonly inode: number;
}

/** Keeps chunks, good and bad ones. */
export interface ChunkPlace {
  /**
   * The blob of a chunk.
   *
   * @param digest The chunk's.
   * @param room Gives memory of a length to read into; memory of its own unless told.
   * @throws {NotFoundError} If there is none.
   * @throws {FormatError} If it is too long for one, or no regular file.
   */
  get(digest: Digest, room?: (length: number) => Bytes): Bytes;
  /**
   * Marks a chunk as used now.
   *
   * @returns Length of its blob, or `undefined` where there is none: an empty file is none.
   */
  touch(digest: Digest): number | undefined;
  /**
   * Keeps a chunk. Source: spec C.3.
   *
   * @param digest The chunk's.
   * @param header Header of its blob.
   * @param body All of the blob behind the header.
   * @throws {IntegrityError} If what is there and the blob cannot both be right.
   */
  put(digest: Digest, header: Bytes, body: Uint8Array): ChunkPut;
  /**
   * Puts a chunk that is bad out of the way, under the first free of ten names.
   *
   * @returns The new name; `undefined` where there is no chunk.
   */
  setAside(digest: Digest): string | undefined;
  /** Marks as used now what was put out of the way of a chunk that is missing, since it may be all that is left of it; gives how many there are. */
  touchBad(digest: Digest): number;
  /**
   * The clock that times of access are told by, milliseconds since 1970: whatever is used later than now has no smaller one. A file system's may run behind that of the
   * program, or somewhere else.
   */
  clock(): number;
  /** Numbers of the folders that are there, 0 to 65535, in order. */
  folders(): number[];
  /** Chunks, bad chunks, and what writers left, in one folder. */
  filesIn(folder: number): ChunkFile[];
  /** What is known of the file of a chunk; `undefined` where it is gone. */
  state(file: ChunkFile): ChunkFileState | undefined;
  /** As {@linkcode state}, of the chunk of a digest. */
  stateOf(digest: Digest): ChunkFileState | undefined;
  /** Removes a file; gives whether it was there. */
  remove(file: ChunkFile): boolean;
  /**
   * Removes a chunk that was not used for long. Whoever begins to use it at the same time, be it another thread or process, either keeps it or finds it missing.
   *
   * @param digest The chunk's.
   * @param before It stays if it was used later than that, milliseconds since 1970.
   * @returns Whether it is gone.
   */
  removeUnused(digest: Digest, before: number): boolean;
}

/** What stands behind the digest in a file's name, and what it means. */
const KINDS: readonly (readonly [RegExp, ChunkFileKind])[] = [
  [/^$/, "chunk"],
  [/^\.\d\.bad$/, "bad"],
  [/^\.using$/, "marker"],
  [/^\.tmp_[^/]+$/, "temporary"],
];

/** What a file in a chunk folder is; `undefined` where it is nothing that writers leave there. */
export function chunkFile(folder: string, name: string): ChunkFile | undefined {
  const [, hex, rest] = /^([0-9a-f]{64})(.*)$/s.exec(name) ?? [];
  const kind = KINDS.find(([pattern]) => pattern.test(rest ?? "?"))?.[1];
  return kind && { kind, hex: hex!, path: `${folder}/${name}` };
}
