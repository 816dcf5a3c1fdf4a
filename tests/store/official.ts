// The datastores that the official server wrote (tests/vectors/pbs), unpacked, and what the official client restored from them.
import { zstdDecompressSync } from "node:zlib";
import type { CryptKey } from "@pxar/chunk/key";
import { openKeyFile } from "@pxar/chunk/key_file";
import type { Bytes } from "@pxar/format/bytes";

const VECTORS = new URL("../vectors/pbs/", import.meta.url);

/** An entry of an archive, as the official client restored it; `path` and `target` are base64. */
export interface TreeEntry {
  readonly path: string;
  readonly kind: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly mtime_ns: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly hardlink_of?: string;
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** What the official client restored of an archive, image or blob. */
export type ExpectedArchive =
  | { readonly kind: "pxar"; readonly tree: readonly TreeEntry[] }
  | {
    readonly kind: "image" | "blob";
    readonly size: number;
    readonly sha256: string;
  };

/** A snapshot as the official client sees it. */
export interface ExpectedSnapshot {
  readonly ns: string;
  readonly snapshot: string;
  readonly owner: string;
  readonly protected: boolean;
  readonly manifest: {
    readonly files: readonly {
      readonly "crypt-mode": string;
      readonly filename: string;
      readonly size: number;
      readonly csum: string;
    }[];
    readonly signature: string | null;
    readonly unprotected: {
      readonly notes?: string;
      readonly "key-fingerprint"?: string;
      readonly verify_state?: { readonly state: string; readonly upid: string };
    };
  };
  readonly files: Readonly<
    Record<string, {
      readonly file_size: number;
      readonly file_sha256: string;
      readonly index?: {
        readonly uuid: string;
        readonly ctime: number;
        readonly csum: string;
        readonly size: number;
        readonly chunks: readonly (readonly [string, number])[];
      };
    }>
  >;
  readonly archives: Readonly<Record<string, ExpectedArchive>>;
  readonly catalog_dump?: readonly string[];
}

/** What is known of a whole store. */
export interface ExpectedStore {
  readonly snapshots: readonly ExpectedSnapshot[];
  readonly chunks: Readonly<
    Record<string, {
      readonly file_size: number;
      readonly plain_size: number;
      readonly kind: string;
    }>
  >;
}

/** One damage, and what the official programs made of it. */
export interface DamagedCase {
  readonly snapshot: string;
  readonly damage: string;
  readonly archive: string;
  readonly touched: readonly string[];
  readonly client: Readonly<
    Record<string, { readonly exit: number; readonly stderr: string }>
  >;
  readonly verify_state_after: "ok" | "failed" | null;
}

/** What is known of the damaged store. */
export interface DamagedStore {
  readonly cases: Readonly<Record<string, DamagedCase>>;
  readonly files_new_after_gc_and_verify: readonly string[];
  readonly "gc_after_forgetting_index-magic_and_index-trunc": {
    readonly log: readonly string[];
  };
}

/** What the official client saw in a store. */
export function expectedOf<T = ExpectedStore>(name: string): T {
  return JSON.parse(
    new TextDecoder().decode(unpacked(`datastores/${name}.expected.json.zst`)),
  );
}

/** The key of a file, whose passphrase all of them have. */
export async function openOfficialKey(name: string): Promise<CryptKey> {
  const text = Deno.readTextFileSync(new URL(`keys/${name}`, VECTORS));
  return (await openKeyFile(text, "vector-pass-1")).key;
}

/**
 * Unpacks a store, with its modes, and its owner where root runs.
 *
 * @param name Such as `plain`.
 * @param folder Where to.
 * @returns The store's folder.
 */
export function unpackStore(name: string, folder: string): string {
  const tar = unpacked(`datastores/${name}.tar.zst`);
  const text = (at: number, length: number) =>
    new TextDecoder().decode(tar.subarray(at, at + length)).split("\0", 1)[0]!;
  const octal = (at: number, length: number) => parseInt(text(at, length), 8);
  const isRoot = Deno.uid() === 0;
  for (let at = 0; at < tar.length && tar[at] !== 0;) {
    const path = `${folder}/${text(at, 100)}`.replace(/\/$/, "");
    const size = octal(at + 124, 12), kind = text(at + 156, 1);
    if (text(at + 345, 155) !== "") throw new Error("Cannot unpack a prefix");
    if (kind === "5") Deno.mkdirSync(path, { recursive: true });
    else if (kind === "0") {
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      Deno.writeFileSync(path, tar.subarray(at + 512, at + 512 + size));
    } else throw new Error(`Cannot unpack ${path}: its kind is ${kind}`);
    Deno.chmodSync(path, octal(at + 100, 8));
    if (isRoot) Deno.chownSync(path, octal(at + 108, 8), octal(at + 116, 8));
    at += 512 + 512 * Math.ceil(size / 512);
  }
  const store = `${folder}/${name}`;
  if (isRoot) Deno.chownSync(store, 34, 34);
  return store;
}

function unpacked(path: string): Bytes {
  return new Uint8Array(
    zstdDecompressSync(Deno.readFileSync(new URL(path, VECTORS))),
  );
}
