// The golden archives in tests/vectors/pxar, made by the official program; its README says what each file is.
import { zstdDecompressSync } from "node:zlib";
import type { Bytes } from "@pxar/format/bytes";

/** Where the golden data lies. */
export const VECTORS: URL = new URL("../vectors/pxar/", import.meta.url);

/** One entry of a tree as `make_manifest.py` describes it; `path`, targets, xattr names and values are base64. */
export interface ManifestEntry {
  readonly path: string;
  readonly text: string;
  readonly kind:
    | "file"
    | "directory"
    | "symlink"
    | "fifo"
    | "socket"
    | "char"
    | "block"
    | "hardlink";
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: string;
  readonly nanos?: number;
  readonly flags?: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly rdev?: readonly [number, number];
  readonly linkTo?: string;
  readonly offset?: { readonly v1?: number; readonly v2?: number };
  readonly only?: "v1";
  readonly xattrs?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly size?: number;
    readonly sha256?: string;
  }[];
  readonly fcaps?: string;
  readonly projid?: number;
  readonly acl?: {
    readonly users?: readonly (readonly [number, number])[];
    readonly groups?: readonly (readonly [number, number])[];
    readonly groupObj?: number;
    readonly default?: {
      readonly user: number | null;
      readonly group: number | null;
      readonly other: number | null;
      readonly mask: number | null;
    };
    readonly defaultUsers?: readonly (readonly [number, number])[];
    readonly defaultGroups?: readonly (readonly [number, number])[];
  };
}

/** A golden tree: what it holds, and both archives of it. */
export interface Vector {
  readonly name: string;
  readonly entries: readonly ManifestEntry[];
  readonly v1: Bytes;
  readonly metadata: Bytes;
  readonly payload: Bytes;
}

/** The 15 trees. */
export const TREES: readonly string[] = [
  "bigxattr",
  "btrfs",
  "deep",
  "exclude",
  "flags",
  "hardlinks",
  "kinds",
  "mixed",
  "modes",
  "names",
  "plain",
  "quota",
  "tables",
  "times",
  "xattrs",
];

/** The 7 option variants. */
export const VARIANTS: readonly string[] = [
  "exclude-cli-a",
  "exclude-cli-all",
  "exclude-cli-b",
  "hardlinks-first-excluded",
  "xattrs-no-acls",
  "xattrs-no-fcaps",
  "xattrs-no-xattrs",
];

/** Reads a golden file, unpacked where it lies there packed. */
export function readVector(file: string): Bytes {
  try {
    return Deno.readFileSync(new URL(file, VECTORS));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return new Uint8Array(
      zstdDecompressSync(Deno.readFileSync(new URL(`${file}.zst`, VECTORS))),
    );
  }
}

/** A golden tree with its archives. */
export function loadVector(name: string): Vector {
  return {
    name,
    entries: JSON.parse(new TextDecoder().decode(readVector(`${name}.json`))),
    v1: readVector(`${name}.pxar`),
    metadata: readVector(`${name}.mpxar`),
    payload: readVector(`${name}.ppxar`),
  };
}

/** What the official tool does with a damaged archive. */
export interface Damaged {
  readonly name: string;
  readonly what: string;
  readonly list: { readonly result: string; readonly entries: number };
  readonly extract: {
    readonly result: string;
    readonly made?: readonly string[];
  };
  readonly mount: {
    readonly result: string;
    readonly entries?: number;
    readonly errors?: readonly string[];
  };
}

/** The damaged archives, each with its bytes; `payload` where it is a split one. */
export function loadDamaged(): (Damaged & {
  readonly archive: Bytes;
  readonly payload: Bytes | undefined;
})[] {
  const cases: Damaged[] = JSON.parse(
    new TextDecoder().decode(readVector("damaged.json")),
  );
  return cases.map((one) => {
    try {
      return {
        ...one,
        archive: readVector(`damaged/${one.name}.pxar`),
        payload: undefined,
      };
    } catch {
      return {
        ...one,
        archive: readVector(`damaged/${one.name}.mpxar`),
        payload: readVector(`damaged/${one.name}.ppxar`),
      };
    }
  });
}

/** Decodes base64. */
export function base64(text: string): Bytes {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
