// Small trees told in lines, for tests of what happens to entries on their way.
import {
  type Batch,
  type Batches,
  BytesContent,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import type { Bytes } from "@pxar/format/bytes";
import { PathTracker } from "@pxar/transfer";
import fc from "fast-check";

/** Text as bytes. */
export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

/** Bytes as text. */
export const text = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes);

/** A directory: what its names stand for; a file's content, another directory, or `@path` for a hardlink to an earlier file. */
export interface Tree {
  readonly [name: string]: string | Tree;
}

/** The entries of a tree in the order of its keys, with positions 100, 101 … */
export function entriesOf(tree: Tree): Entry[] {
  const entries: Entry[] = [];
  const positions = new Map<string, number>();
  const visit = (directory: Tree, path: string) => {
    for (const [key, value] of Object.entries(directory)) {
      const name = utf8(key), own = path === "" ? key : `${path}/${key}`;
      const position = 100 + entries.length;
      if (typeof value !== "string") {
        entries.push(makeEntry("directory", { name, mode: 0o40755, position }));
        visit(value, own);
      } else if (value.startsWith("@")) {
        const target = value.slice(1), linkPosition = positions.get(target);
        entries.push(
          makeEntry("hardlink", {
            name,
            target: utf8(target),
            position,
            linkPosition,
          }),
        );
      } else {
        positions.set(own, position);
        const content = new BytesContent(utf8(value));
        entries.push(
          makeEntry("file", { name, mode: 0o100644, content, position }),
        );
      }
    }
    entries.push(makeEntry("end", { position: 100 + entries.length }));
  };
  entries.push(makeEntry("directory", { mode: 0o40755, position: 100 }));
  visit(tree, "");
  return entries;
}

/** Entries in batches of the given sizes, which go round. */
export async function* cut(
  entries: readonly Entry[],
  sizes: readonly number[],
): AsyncGenerator<Batch> {
  for (let at = 0, i = 0; at < entries.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield await Promise.resolve(entries.slice(at, at + size));
    at += size;
  }
}

/** Sizes of batches. */
export const SIZES: fc.Arbitrary<number[]> = fc.array(
  fc.integer({ min: 1, max: 5 }),
  {
    minLength: 1,
    maxLength: 4,
  },
);

/** All entries that come; an empty batch is an error. */
export async function collect(batches: Batches): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const batch of batches) {
    if (batch.length === 0) throw new Error("a batch is empty");
    entries.push(...batch);
  }
  return entries;
}

/** A line for each entry: `d etc`, `f etc/hosts`, `h etc/link etc/hosts`, and `end etc`. */
export function lines(entries: readonly Entry[]): string[] {
  const paths = new PathTracker();
  return entries.map((entry) => {
    if (entry.kind === "end") {
      paths.leave();
      return `end ${text(paths.path)}`;
    }
    paths.enter(entry);
    const target = entry.target === undefined ? "" : ` ${text(entry.target)}`;
    return `${entry.kind[0]} ${text(paths.path)}${target}`;
  });
}

/** What is in a file. */
export async function contentOf(entry: Entry | undefined): Promise<string> {
  const content = entry?.content;
  if (content === undefined) throw new Error("the entry has no content");
  const bytes = new Uint8Array(content.size);
  let at = 0;
  for (;;) {
    const read = await content.read(bytes.subarray(at, at + 3));
    if (read === 0) break;
    at += read;
  }
  return text(bytes.subarray(0, at));
}

/** Any small tree over the names a, b, c, with and without hardlinks. */
export function trees(): fc.Arbitrary<Tree> {
  const name = fc.constantFrom("a", "b", "c");
  const { tree } = fc.letrec<{ tree: Tree; leaf: string }>((tie) => ({
    leaf: fc.constantFrom("", "x", "yy", "@"),
    tree: fc.dictionary(
      name,
      fc.oneof({ depthSize: "small" }, tie("leaf"), tie("tree")),
      {
        noNullPrototype: true,
      },
    ),
  }));
  return tree.map((made) => {
    // A link goes to the first file before it, and is a file where there is none.
    let first: string | undefined;
    const link = (directory: Tree, path: string): Tree =>
      Object.fromEntries(
        Object.entries(directory).map(([key, value]) => {
          const own = path === "" ? key : `${path}/${key}`;
          if (typeof value !== "string") return [key, link(value, own)];
          if (value === "@" && first !== undefined) return [key, `@${first}`];
          first ??= own;
          return [key, value === "@" ? "z" : value];
        }),
      );
    return link(made, "");
  });
}
