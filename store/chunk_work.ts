// What threads do to chunks that lie in shared memory: digest, seal, keep; fetch, open, check. The same code serves on the main thread where there are no others.
import { isEncrypted, openBlob, parseBlob, sealBlob } from "@pxar/chunk/blob";
import type { Serve } from "@pxar/chunk/crew";
import { type Codecs, openCodecs } from "@pxar/chunk/codecs";
import { type Digest, digestOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import { Scratch } from "@pxar/chunk/scratch";
import type { Native } from "@pxar/chunk/native";
import type { Bytes } from "@pxar/format/bytes";
import { ChunkFolder } from "./chunk_folder.ts";
import type { DirectChunks } from "./direct_chunks.ts";
import { DiskFiles } from "./disk_files.ts";
import type { Kernel } from "./kernel.ts";

/** What each thread is told first. */
export interface WorkSetup {
  /** The key that chunks are made with; `undefined` for plain ones. */
  readonly key: Bytes | undefined;
  /** Whether chunks are compressed. */
  readonly compress: boolean;
  /** URL of the module that opens faster libraries. */
  readonly native: string | undefined;
  /** Where chunks are kept; `undefined` where the main thread keeps them. */
  readonly direct: DirectChunks | undefined;
}

/** Where in which memory a chunk lies, or goes. */
export interface MemoryRange {
  /** Number of the memory. */
  readonly memory: number;
  /** Offset in it of the first byte. */
  readonly start: number;
  /** Length, bytes. */
  readonly length: number;
}

/** What is to be done. */
export type WorkRequest =
  | {
    readonly op: "memory";
    readonly id: number;
    readonly buffer: ArrayBuffer | undefined;
  }
  | { readonly op: "digest"; readonly at: MemoryRange }
  | { readonly op: "put"; readonly at: MemoryRange }
  | { readonly op: "seal"; readonly at: MemoryRange }
  | {
    readonly op: "open";
    readonly at: MemoryRange;
    readonly digest: Digest;
    readonly encrypted: boolean;
    readonly blob: Bytes | undefined;
  }
  | {
    readonly op: "check";
    readonly digest: Digest;
    readonly length: number;
    readonly encrypted: boolean;
    /** Whether it was made with the crew's key. */
    readonly keyed: boolean;
  };

/** What came of it; which properties are there follows from the request. */
export interface WorkAnswer {
  /** Of `digest`, `put`. */
  readonly digest?: Digest;
  /** Of `put`. */
  readonly existed?: boolean;
  /** Of `put`: length of the blob that is kept; of `check`: of the blob that was read. */
  readonly stored?: number;
  /** Of `check`: whether it is plain although it must be encrypted, or the reverse. */
  readonly hasOtherMode?: boolean;
  /** Of `seal`: header of the blob, whose body took the place of the chunk. */
  readonly header?: Bytes;
  /** Of `seal`: length of the body. */
  readonly length?: number;
}

/** Makes what serves. */
export async function openWork(
  setup: WorkSetup,
): Promise<Serve<WorkRequest, WorkAnswer>> {
  const native = await load<Native>(setup.native, "openNative");
  const codecs = await openCodecs(native);
  const key = setup.key && CryptKey.of(setup.key);
  const scratch = new Scratch();
  const seal = {
    codecs,
    key,
    compress: setup.compress,
    scratch,
  };
  const folder = setup.direct && await openFolder(setup.direct);
  const memories = new Map<number, Bytes>();
  // Fresh memory for each chunk costs more than all the rest (measured).
  const blobs = new Scratch(), opened = new Scratch();
  const blobRoom = (length: number): Bytes => blobs.take(length);

  const bytesAt = ({ memory, start, length }: MemoryRange): Bytes =>
    memories.get(memory)!.subarray(start, start + length);
  const direct = (): ChunkFolder => {
    if (folder === undefined) {
      throw new TypeError("Cannot reach chunks: the store is not on disk");
    }
    return folder;
  };

  return async (request) => {
    switch (request.op) {
      case "memory": {
        const { id, buffer } = request;
        if (buffer === undefined) memories.delete(id);
        else memories.set(id, new Uint8Array(buffer));
        return {};
      }
      case "digest":
        return { digest: digestOf(bytesAt(request.at), key) };
      case "put": {
        const data = bytesAt(request.at), digest = digestOf(data, key);
        const there = direct().touch(digest);
        if (there !== undefined) {
          return { digest, existed: true, stored: there };
        }
        const { header, body } = await sealBlob(data, seal);
        return { digest, ...direct().put(digest, header, body) };
      }
      case "seal": {
        const data = bytesAt(request.at);
        const { header, body } = await sealBlob(data, seal);
        if (body.length > data.length) {
          throw new RangeError("Cannot seal a chunk in place: it grew");
        }
        data.set(body);
        return { header, length: body.length };
      }
      case "open": {
        const { digest, encrypted } = request, into = bytesAt(request.at);
        const blob = request.blob ?? direct().get(digest, blobRoom);
        await openBlob(blob, {
          codecs,
          digest,
          size: into.length,
          key,
          encrypted,
          into,
          scratch,
        });
        return {};
      }
      case "check": {
        const { digest, length, encrypted, keyed } = request;
        const blob = direct().get(digest, blobRoom);
        return {
          stored: blob.length,
          hasOtherMode: !await checkBlob(blob, digest, {
            codecs,
            key: keyed ? key : undefined,
            encrypted,
            into: opened.take(length),
          }),
        };
      }
    }
  };
}

/**
 * Checks a chunk's blob as far as that can be done.
 *
 * @param blob As it is stored.
 * @param digest The chunk's.
 * @param expected What it must be; `into` has the chunk's length. Without the key, only the checksum of an encrypted one can be compared.
 * @returns Whether it is encrypted or plain as it must be; else nothing more was looked at.
 * @throws {FormatError} If it is no blob.
 * @throws {IntegrityError} If it is not what its digest says.
 */
export async function checkBlob(
  blob: Bytes,
  digest: Digest,
  expected: {
    readonly codecs: Codecs;
    readonly key: CryptKey | undefined;
    readonly encrypted: boolean;
    readonly into: Uint8Array;
  },
): Promise<boolean> {
  const { codecs, key, encrypted, into } = expected;
  const { kind } = parseBlob(blob);
  if (encrypted !== isEncrypted(kind)) return false;
  if (!encrypted || key !== undefined) {
    const size = into.length;
    await openBlob(blob, { codecs, digest, size, key, encrypted, into });
  }
  return true;
}

async function openFolder(direct: DirectChunks): Promise<ChunkFolder> {
  const kernel = await load<Kernel>(direct.kernel, "openKernel");
  return new ChunkFolder(direct.base, new DiskFiles(direct), kernel);
}

/** What a module lends to the spine; it must not import the module by name. */
async function load<T>(
  module: string | undefined,
  name: string,
): Promise<T | undefined> {
  if (module === undefined) return undefined;
  const loaded = await import(module);
  return loaded[name]();
}
