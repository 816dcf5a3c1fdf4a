// Members by name: all headers are read first, then each member where it stands.
import type { RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import {
  type Batch,
  type Content,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { TruncatedError, UnsupportedError } from "@pxar/format/errors";
import { AccessInput, cut } from "./tar_input.ts";
import {
  entryOf,
  madeDirectory,
  memberContent,
  padded,
  type TarMember,
  TarReader,
  treePath,
} from "./tar_member.ts";
import type { PaxRecord } from "./tar_pax.ts";
import {
  BATCH_LENGTH,
  type DecodeTarOptions,
  expired,
  noFirst,
  pathOf,
  tell,
  tellAcl,
} from "./tar_telling.ts";
import { NODE, ROOT, TarTree } from "./tar_tree.ts";

/** Most entries unless told. */
const ENTRIES_MAX = 1 << 24;

/** An archive's members by path. */
interface Index {
  readonly tree: TarTree;
  /** Records that hold for all members from some place on. */
  readonly contexts: readonly (readonly PaxRecord[])[];
  /** Where the files stand that have more than one path. */
  readonly linked: ReadonlySet<number>;
}

/** Most bytes of global records that are kept, in all their states. */
const CONTEXT_LIMIT = 16 << 20;

/** Entries sorted by name, the last of each path. */
export async function* sorted(
  access: RandomAccess,
  options: DecodeTarOptions,
): AsyncGenerator<Batch, void, void> {
  const index = await readIndex(access, options);
  const walk = new Walk(access, index, options);
  for (;;) {
    options.signal?.throwIfAborted();
    const batch = await walk.batch();
    if (batch.length === 0) break;
    yield batch;
  }
}

async function readIndex(
  access: RandomAccess,
  options: DecodeTarOptions,
): Promise<Index> {
  const input = new AccessInput(access), reader = new TarReader(input);
  const tree = new TarTree(options.entriesMax ?? ENTRIES_MAX);
  const contexts: (readonly PaxRecord[])[] = [];
  const linked = new Set<number>();
  let kept = 0;
  for (let count = 0;; count++) {
    const member = await reader.next();
    if (member === undefined) break;
    if (count % 4096 === 0) options.signal?.throwIfAborted();
    const { body, kind, offset, stored } = member;
    if (body + stored > access.size) throw cut(access.size);
    input.offset = body + padded(stored);
    if (contexts.at(-1) !== reader.globals) {
      kept += reader.globals.reduce((sum, one) => sum + one.value.length, 64);
      if (kept > CONTEXT_LIMIT) {
        throw new UnsupportedError(
          `Cannot read tar archive: its global records have more than ${CONTEXT_LIMIT} bytes, expected at most those`,
          { offset },
        );
      }
      contexts.push(reader.globals);
    }
    const path = pathOf(options, member);
    if (path === undefined) continue;
    try {
      if (kind === "hardlink") {
        const first = treePath(member.link), node = tree.find(first);
        if (node === undefined || tree.kind(node) < NODE.FILE) {
          throw noFirst(path, first);
        }
        const at = tree.offset(node);
        linked.add(at);
        tree.put(path, tree.kind(node), at, tree.context(node));
      } else {
        const what = kind === "directory"
          ? NODE.DIRECTORY
          : kind === "file"
          ? NODE.FILE
          : NODE.OTHER;
        tree.put(path, what, offset, contexts.length - 1);
      }
    } catch (error) {
      tell(options, path, error);
    }
  }
  return { tree, contexts, linked };
}

/** Goes through the tree of an index. */
class Walk {
  readonly #access: RandomAccess;
  readonly #index: Index;
  readonly #options: DecodeTarOptions;
  readonly #input: AccessInput;
  readonly #reader: TarReader;
  /** Children of the open directories that are still to come, the root first. */
  readonly #open: { readonly children: Uint32Array; next: number }[] = [];
  /** The first link of each file that has more than one path. */
  readonly #firsts = new Map<number, { position: number; path: Bytes }>();
  readonly #age: { now: number } = { now: 0 };
  #position = 0;
  #ended = false;

  constructor(access: RandomAccess, index: Index, options: DecodeTarOptions) {
    this.#access = access;
    this.#index = index;
    this.#options = options;
    this.#input = new AccessInput(access);
    this.#reader = new TarReader(this.#input);
  }

  /** The next batch; empty at the end. */
  async batch(): Promise<Entry[]> {
    const batch: Entry[] = [];
    this.#age.now++;
    while (batch.length < BATCH_LENGTH && !this.#ended) {
      const level = this.#open.at(-1);
      if (level === undefined) batch.push(await this.#enter(ROOT));
      else if (level.next < level.children.length) {
        batch.push(await this.#enter(level.children[level.next++]!));
      } else {
        this.#open.pop();
        this.#ended = this.#open.length === 0;
        batch.push(makeEntry("end", { position: this.#position++ }));
      }
    }
    return batch;
  }

  async #enter(node: number): Promise<Entry> {
    const { tree, contexts, linked } = this.#index;
    const name = tree.name(node).slice(), kind = tree.kind(node);
    const offset = tree.offset(node), position = this.#position++;
    if (kind <= NODE.DIRECTORY) {
      this.#open.push({ children: tree.children(node), next: 0 });
    }
    const isLinked = kind === NODE.FILE && linked.has(offset);
    if (isLinked) {
      const first = this.#firsts.get(offset);
      if (first !== undefined) {
        const { position: linkPosition, path: target } = first;
        return makeEntry("hardlink", { name, target, position, linkPosition });
      }
      this.#firsts.set(offset, { position, path: tree.path(node) });
    }
    // An archive without members.
    if (offset < 0) return madeDirectory(undefined, name, position);
    this.#input.offset = offset;
    this.#reader.globals = contexts[tree.context(node)]!;
    const member = await this.#reader.next();
    if (member === undefined) throw changed(offset);
    if (kind === NODE.MADE) return madeDirectory(member, name, position);
    const content = kind === NODE.FILE
      ? await this.#content(member)
      : undefined;
    return entryOf(member, {
      name,
      position,
      content,
      names: this.#options.names,
      onAcl: (error) => tellAcl(this.#options, tree.path(node), error),
    });
  }

  async #content(member: TarMember): Promise<Content> {
    return await memberContent(
      member,
      new StoredContent(this.#access, member, this.#age),
    );
  }
}

/** What is in a file, read from its place. */
class StoredContent implements Content {
  readonly size: number;
  readonly release: undefined = undefined;
  readonly #access: RandomAccess;
  readonly #age: { readonly now: number };
  readonly #born: number;
  #at: number;
  #left: number;

  constructor(
    access: RandomAccess,
    { body, stored }: TarMember,
    age: { readonly now: number },
  ) {
    this.#access = access;
    this.#age = age;
    this.#born = age.now;
    this.size = this.#left = stored;
    this.#at = body;
  }

  read(into: Bytes): number | Promise<number> {
    if (this.#age.now !== this.#born) throw expired();
    if (this.#left === 0 || into.length === 0) return 0;
    const got = this.#access.read(this.#at, into.subarray(0, this.#left));
    return typeof got === "number"
      ? this.#passed(got)
      : got.then((got) => this.#passed(got));
  }

  #passed(got: number): number {
    if (got === 0) throw cut(this.#at);
    this.#at += got;
    this.#left -= got;
    return got;
  }
}

function changed(offset: number): TruncatedError {
  return new TruncatedError(
    `Cannot read tar member at byte ${offset}: there is none any more, expected the archive not to change`,
    { offset },
  );
}
