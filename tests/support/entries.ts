// Entries in tests: sinks that collect, trees that are made up, and comparison with what make_manifest.py says.
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { ByteSink, PayloadPart, PayloadSink } from "@pxar/codec/sink";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import {
  type Attributes,
  type Batch,
  type Batches,
  type Content,
  type Entry,
  type EntryParts,
  makeEntry,
} from "@pxar/format/entry";
import { compareNames, joinPath } from "@pxar/format/name";
import { assert, assertEquals } from "./assert.ts";
import type { ManifestEntry } from "./vectors.ts";

/** Joins pieces of bytes. */
export function concat(pieces: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(
    pieces.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** States that bytes are equal; on failure says where they are not, rather than showing megabytes. */
export function assertSameBytes(
  actual: Uint8Array,
  expected: Uint8Array,
  what = "bytes",
): void {
  if (Buffer.compare(actual, expected) === 0) return;
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  throw new Error(
    `${what}: ${actual.length} bytes, expected ${expected.length}; they differ at byte ${
      at < 0 ? actual.length : at
    }`,
  );
}

/** Keeps copies of all pieces. */
export class CollectSink implements ByteSink {
  readonly pieces: Bytes[] = [];
  write(piece: Bytes): void {
    this.pieces.push(piece.slice());
  }
  bytes(): Bytes {
    return concat(this.pieces);
  }
}

/** Keeps copies of all parts of a payload. */
export class CollectPayload implements PayloadSink {
  readonly parts: PayloadPart[] = [];
  write(part: PayloadPart): void {
    this.parts.push("bytes" in part ? { bytes: part.bytes.slice() } : part);
  }
  /** The bytes, without what was injected. */
  bytes(): Bytes {
    return concat(
      this.parts.flatMap((part) => "bytes" in part ? [part.bytes] : []),
    );
  }
}

/** Bytes as a content, handed out at most `most` at a time, as a promise now and then. */
export class BytesContent implements Content {
  readonly release = undefined;
  #at = 0;
  #reads = 0;
  constructor(readonly bytes: Bytes, readonly most: number = Infinity) {}
  get size(): number {
    return this.bytes.length;
  }
  read(into: Bytes): number | Promise<number> {
    const length = Math.min(
      into.length,
      this.bytes.length - this.#at,
      this.most,
    );
    into.set(this.bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return this.#reads++ % 3 === 2 ? Promise.resolve(length) : length;
  }
}

/** All bytes of a content. */
export async function readContent(content: Content): Promise<Bytes> {
  const bytes = new Uint8Array(content.size);
  let at = 0;
  while (at < bytes.length) {
    const got = await content.read(bytes.subarray(at));
    assert(got > 0, "content ends early");
    at += got;
  }
  assertEquals(await content.read(new Uint8Array(1)), 0);
  return bytes;
}

/** Reads everything: the same entries with contents in memory. */
export async function gather(batches: Batches): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const batch of batches) {
    assert(batch.length > 0, "batch is empty");
    for (const entry of batch) {
      entries.push({
        ...entry,
        content: entry.content === undefined
          ? undefined
          : new BytesContent(await readContent(entry.content)),
      });
    }
  }
  return entries;
}

/** The same entries with their contents, which are {@linkcode BytesContent}, to be read once more. */
export function renew(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) =>
    entry.content instanceof BytesContent
      ? {
        ...entry,
        content: new BytesContent(entry.content.bytes, entry.content.most),
      }
      : entry
  );
}

/** Entries in batches of changing size, up to `most`. */
export function* inBatches(
  entries: readonly Entry[],
  most = 64,
): Generator<Batch, void, void> {
  for (let at = 0, size = 1; at < entries.length; at += size) {
    size = size % most + 1;
    yield entries.slice(at, at + size);
  }
}

/** What can be compared of entries: everything but positions, and contents by their bytes. */
export function comparable(entries: readonly Entry[]): unknown[] {
  return entries.map((entry) => ({
    ...entry,
    position: undefined,
    linkPosition: entry.linkPosition === undefined
      ? undefined
      : entries.findIndex(({ kind, position }) =>
        kind === "file" && position === entry.linkPosition
      ),
    payload: undefined,
    content: entry.content instanceof BytesContent
      ? Buffer.from(entry.content.bytes).toString("latin1")
      : entry.content,
  }));
}

/** States that entries are equal but for positions and payload references. */
export function assertSameEntries(
  actual: readonly Entry[],
  expected: readonly Entry[],
): void {
  assertEquals(comparable(actual), comparable(expected));
}

/** What an entry of a manifest says, in one form; also made of decoded entries. */
export interface Described {
  readonly path: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

// Beside what the type says: flags are hexadecimal, and the project id has this name.
type Told = Omit<ManifestEntry, "flags"> & {
  readonly flags?: string;
  readonly projid?: number;
};

/** The entries of a manifest that are in an archive of this version, in one form. */
export function describeManifest(
  manifest: readonly ManifestEntry[],
  version: 1 | 2,
): Described[] {
  return (manifest as readonly unknown[] as readonly Told[])
    .filter(({ only }) => only === undefined || version === 1)
    .map((told) => ({
      path: told.path,
      kind: told.kind,
      mode: told.mode === undefined ? undefined : parseInt(told.mode, 8),
      uid: told.uid,
      gid: told.gid,
      mtime: told.mtime === undefined ? undefined : Number(told.mtime),
      nanos: told.nanos,
      flags: told.kind === "hardlink" ? undefined : Number(told.flags ?? 0),
      size: told.size,
      sha256: told.sha256,
      target: told.target,
      rdev: told.rdev,
      linkTo: told.linkTo,
      offset: version === 1 ? told.offset?.v1 : told.offset?.v2,
      xattrs: told.xattrs?.map(({ name, value, size, sha256 }) => ({
        name,
        value: value ?? [size, sha256],
      })),
      fcaps: told.fcaps,
      projectId: told.projid,
      acl: told.acl && {
        users: told.acl.users ?? [],
        groups: told.acl.groups ?? [],
        groupObj: told.acl.groupObj,
        default: told.acl.default,
        defaultUsers: told.acl.defaultUsers ?? [],
        defaultGroups: told.acl.defaultGroups ?? [],
      },
    }));
}

/** Entries in the form of a manifest. Contents are {@linkcode BytesContent}; versions and preludes are left out. */
export function describeEntries(entries: readonly Entry[]): Described[] {
  const described: Described[] = [];
  const open: Bytes[] = [];
  for (const entry of entries) {
    const { kind, name } = entry;
    if (kind === "version" || kind === "prelude") continue;
    if (kind === "end") {
      open.pop();
      continue;
    }
    const path = joinPath(open.at(-1) ?? NO_BYTES, name);
    if (kind === "directory") open.push(path);
    described.push(describe(entry, path));
  }
  assertEquals(open.length, 0, "directories are left open");
  return described;
}

function describe(entry: Entry, path: Bytes): Described {
  const { kind, attributes: a, content, target, device } = entry;
  const link = kind === "hardlink";
  const bytes = content instanceof BytesContent ? content.bytes : undefined;
  return {
    path: encode64(path),
    kind: kind === "device"
      ? (entry.mode & 0o170000) === 0o060000 ? "block" : "char"
      : kind,
    mode: link ? undefined : entry.mode,
    uid: link ? undefined : entry.uid,
    gid: link ? undefined : entry.gid,
    mtime: link ? undefined : entry.secs,
    nanos: link ? undefined : entry.nanos,
    flags: link ? undefined : entry.flags,
    size: bytes?.length,
    sha256: bytes && sha256(bytes),
    target: link || target === undefined ? undefined : encode64(target),
    rdev: device && [device.major, device.minor],
    linkTo: link ? encode64(target!) : undefined,
    offset: link ? entry.position! - entry.linkPosition! : undefined,
    xattrs: a?.xattrs.length
      ? a.xattrs.map(({ name, value }) => ({
        name: encode64(name),
        value: value.length > 1024
          ? [value.length, sha256(value)]
          : encode64(value),
      }))
      : undefined,
    fcaps: a?.fcaps && encode64(a.fcaps),
    projectId: a?.projectId,
    acl: a?.acl && describeAcl(a.acl),
  };
}

function describeAcl(acl: NonNullable<Attributes["acl"]>): unknown {
  const pairs = (list: typeof acl.users) =>
    list.map(({ id, perm }) => [id, perm]);
  return {
    users: pairs(acl.users),
    groups: pairs(acl.groups),
    groupObj: acl.groupObj,
    default: acl.default && {
      user: acl.default.user ?? null,
      group: acl.default.group ?? null,
      other: acl.default.other ?? null,
      mask: acl.default.mask ?? null,
    },
    defaultUsers: pairs(acl.defaultUsers),
    defaultGroups: pairs(acl.defaultGroups),
  };
}

/** How wild made-up trees are. */
export interface TreeOptions {
  /** Most nodes below the root; 24. */
  readonly nodes?: number;
  /** Longest content, bytes; 3000. */
  readonly size?: number;
  /** Only what Linux file systems keep: times of 34 bits, device numbers of 12 and 20 bits, no chattr flags and project ids. */
  readonly kernel?: boolean;
}

/**
 * Made-up trees as lists of entries, root first, its end last; children sorted, names unique, later links after their first.
 *
 * All kinds, raw names, access control lists that a kernel takes, negative times, empty and large extended attributes, hardlinks. Contents are
 * {@linkcode BytesContent}: {@linkcode renew} the entries to read them twice. Files that may have links have a position, the others have none.
 */
export function arbitraryTree(
  options: TreeOptions = {},
): fc.Arbitrary<Entry[]> {
  const { nodes = 24, size = 3000, kernel = false } = options;
  return fc.tuple(
    arbitraryNode("directory", kernel, size),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(),
        arbitraryName(),
        fc.oneof(
          { weight: 4, arbitrary: arbitraryNode("file", kernel, size) },
          { weight: 4, arbitrary: arbitraryNode("directory", kernel, size) },
          { weight: 1, arbitrary: arbitraryNode("symlink", kernel, size) },
          { weight: 1, arbitrary: arbitraryNode("device", kernel, size) },
          { weight: 1, arbitrary: arbitraryNode("fifo", kernel, size) },
          { weight: 1, arbitrary: arbitraryNode("socket", kernel, size) },
          { weight: 2, arbitrary: fc.constant(makeEntry("hardlink")) },
        ),
      ),
      { maxLength: nodes, size: "max" },
    ),
  ).map(([root, children]) => growTree(root, children));
}

interface Planted {
  readonly entry: Entry;
  readonly choice: number;
  readonly children: Planted[];
}

function growTree(
  root: Entry,
  seeds: readonly (readonly [number, number, Bytes, Entry])[],
): Entry[] {
  const top: Planted = { entry: root, choice: 0, children: [] };
  const directories = [top];
  for (const [where, choice, name, entry] of seeds) {
    const parent = directories[where % directories.length]!;
    const taken = parent.children.some((child) =>
      compareNames(child.entry.name, name) === 0
    );
    if (taken) continue;
    const planted = { entry: { ...entry, name }, choice, children: [] };
    parent.children.push(planted);
    if (entry.kind === "directory") directories.push(planted);
  }
  const entries: Entry[] = [];
  const files: { readonly path: Bytes; readonly position: number }[] = [];
  let position = 1000;
  const walk = ({ entry, choice, children }: Planted, above: Bytes): void => {
    const path = joinPath(above, entry.name);
    position += 1 + choice % 7;
    if (entry.kind === "hardlink") {
      if (files.length === 0) return;
      const first = files[choice % files.length]!;
      entries.push({
        ...entry,
        target: first.path,
        linkPosition: first.position,
      });
    } else if (entry.kind === "file" && choice % 4 > 0) {
      entries.push({ ...entry, position });
      files.push({ path, position });
    } else {
      entries.push(entry);
    }
    if (entry.kind !== "directory") return;
    children.sort((a, b) => compareNames(a.entry.name, b.entry.name));
    for (const child of children) walk(child, path);
    entries.push(makeEntry("end"));
  };
  walk(top, NO_BYTES);
  return entries;
}

type NodeKind =
  | "file"
  | "directory"
  | "symlink"
  | "device"
  | "fifo"
  | "socket";

const TYPES: Readonly<Record<NodeKind, readonly number[]>> = {
  file: [0o100000],
  directory: [0o040000],
  symlink: [0o120000],
  device: [0o060000, 0o020000],
  fifo: [0o010000],
  socket: [0o140000],
};

const ID = fc.oneof(
  fc.nat(0xffff_fffe),
  fc.constantFrom(0, 1000, 0xffff_fffe),
);

function arbitraryNode(
  kind: NodeKind,
  kernel: boolean,
  size: number,
): fc.Arbitrary<Entry> {
  const rich = kind === "file" || kind === "directory";
  const seconds = kernel
    // At its very first second, ext4 keeps no nanoseconds.
    ? fc.integer({ min: 1 - 2 ** 31, max: 2 ** 33 })
    : fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 });
  return fc.record<EntryParts>({
    mode: fc.tuple(fc.constantFrom(...TYPES[kind]), fc.nat(0o7777)).map(
      ([type, permissions]) =>
        type | (kind === "symlink" ? 0o777 : permissions),
    ),
    uid: ID,
    gid: ID,
    secs: fc.oneof(seconds, fc.constantFrom(0, -1, 1_700_000_000)),
    nanos: fc.nat(999_999_999),
    flags: rich && !kernel
      ? fc.oneof(fc.constant(0), fc.nat(0x1fff).map((bits) => bits * 0x2000))
      : fc.constant(0),
    attributes: rich
      ? arbitraryAttributes(kind, kernel)
      : fc.constant(undefined),
    content: kind === "file"
      ? fc.tuple(
        fc.uint8Array({ maxLength: size, size: "max" }),
        fc.constantFrom(Infinity, 1000, 7),
      ).map(([bytes, most]) => new BytesContent(own(bytes), most))
      : fc.constant(undefined),
    target: kind === "symlink"
      ? arbitraryBytes(1, 200)
      : fc.constant(undefined),
    device: kind === "device"
      ? fc.record({
        major: fc.nat(kernel ? 4095 : 0xffff_ffff),
        minor: fc.nat(kernel ? 0xf_ffff : 0xffff_ffff),
      })
      : fc.constant(undefined),
  }).map((parts) => makeEntry(kind, parts));
}

function arbitraryAttributes(
  kind: NodeKind,
  kernel: boolean,
): fc.Arbitrary<Attributes | undefined> {
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 2, arbitrary: fc.constant(new Uint8Array(0)) },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.nat(255),
        fc.integer({ min: 1000, max: kernel ? 2000 : 65_530 }),
      )
        .map(([byte, length]) => new Uint8Array(length).fill(byte)),
    },
  );
  const xattrs = fc.uniqueArray(
    fc.record({
      name: arbitraryBytes(1, 30).map((name) =>
        concat([new TextEncoder().encode("user."), name])
      ),
      value: value.map(own),
    }),
    { maxLength: 4, selector: ({ name }) => encode64(name) },
  );
  return fc.option(
    fc.record<Attributes>({
      xattrs,
      acl: fc.option(arbitraryAcl(kind), { nil: undefined }),
      fcaps: kind === "file"
        ? fc.option(
          fc.uint8Array({ minLength: 16, maxLength: 16 }).map((caps) =>
            concat([new Uint8Array([1, 0, 0, 2]), caps])
          ),
          { nil: undefined },
        )
        : fc.constant(undefined),
      projectId: kernel
        ? fc.constant(undefined)
        : fc.option(fc.nat(0xffff_fffe), { nil: undefined }),
    }),
    { nil: undefined },
  ).map((attributes) => {
    if (attributes === undefined) return undefined;
    const { xattrs, acl, fcaps, projectId } = attributes;
    return xattrs.length > 0 || acl || fcaps || projectId !== undefined
      ? attributes
      : undefined;
  });
}

const PERMISSION = fc.nat(7);

function arbitraryAcl(
  kind: NodeKind,
): fc.Arbitrary<NonNullable<Attributes["acl"]>> {
  const named = fc.uniqueArray(fc.record({ id: ID, perm: PERMISSION }), {
    maxLength: 4,
    selector: ({ id }) => id,
  }).map((list) => list.sort((a, b) => a.id - b.id));
  const none = fc.constant(undefined);
  const whole = fc.record({
    users: named,
    groups: named,
    groupObj: PERMISSION,
  });
  const empty = fc.constant({ users: [], groups: [], groupObj: undefined });
  const access = kind === "directory" ? fc.oneof(whole, empty) : whole;
  const defaults = kind === "directory"
    ? fc.record({
      default: fc.record({
        user: PERMISSION,
        group: PERMISSION,
        other: PERMISSION,
        mask: PERMISSION,
      }),
      defaultUsers: named,
      defaultGroups: named,
    })
    : fc.record({
      default: none,
      defaultUsers: fc.constant([]),
      defaultGroups: fc.constant([]),
    });
  return fc.tuple(access, defaults).map(([access, defaults]) => ({
    ...access,
    ...defaults,
  }));
}

function arbitraryName(): fc.Arbitrary<Bytes> {
  const plain = fc.stringMatching(/^[a-z]{1,3}$/).map((text) =>
    new TextEncoder().encode(text)
  );
  return fc.oneof(plain, arbitraryBytes(1, 40), arbitraryBytes(255, 255)).map(
    (name) => {
      const legal = name.map((byte) => byte === 0x2f ? 0x5f : byte);
      return legal[0] === 0x2e && legal.length < 3
        ? new Uint8Array([0x61])
        : legal;
    },
  );
}

/** Any bytes but NUL. */
function arbitraryBytes(least: number, most: number): fc.Arbitrary<Bytes> {
  return fc.uint8Array({ min: 1, minLength: least, maxLength: most }).map(own);
}

function own(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

function encode64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
