// Trees in memory: what merging them must give, told in the plainest way, and how to compare that with streams of entries.
import {
  type Batch,
  type Batches,
  type Content,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { PathTracker } from "@pxar/transfer/path";
import type { ConflictPolicy } from "@pxar/transfer/merge";
import fc from "fast-check";
import { text, utf8 } from "./trees.ts";

/** A node; files that are links of one another are one object. */
export type Node =
  | {
    readonly kind: "directory";
    readonly time: number;
    readonly children: ReadonlyMap<string, Node>;
  }
  | {
    readonly kind: "file" | "fifo";
    readonly time: number;
    readonly content: string;
  };

/** What {@linkcode Node}s are made of: a directory, or a file or fifo with its time, or a link to one of the files before it. */
type Raw =
  | { readonly [name: string]: Raw }
  | readonly ["file" | "fifo" | "link", number];

/** A small tree; each file's content is its own: nothing else may take its place. */
export function nodes(source: string): fc.Arbitrary<Node> {
  const leaf = fc.tuple(
    fc.constantFrom(
      "file" as const,
      "file" as const,
      "link" as const,
      "fifo" as const,
    ),
    fc.nat(2),
  );
  const { tree } = fc.letrec<{ tree: Raw; any: Raw }>((tie) => ({
    any: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      leaf,
      tie("tree"),
    ),
    tree: fc.dictionary(fc.constantFrom("a", "b", "c", "d"), tie("any"), {
      noNullPrototype: true,
    }),
  }));
  return tree.map((raw) => build(raw, source));
}

function build(raw: Raw, source: string): Node {
  const files: Node[] = [];
  const visit = (raw: Raw): Node => {
    if (!Array.isArray(raw)) {
      const children = new Map<string, Node>();
      for (const [name, child] of Object.entries(raw).sort(byName)) {
        children.set(name, visit(child));
      }
      return { kind: "directory", time: children.size % 3, children };
    }
    const [kind, number] = raw as ["file" | "fifo" | "link", number];
    if (kind === "link" && files.length > 0) {
      return files[number % files.length]!;
    }
    if (kind === "fifo") return { kind, time: number, content: source };
    const content = `${source}${files.length}`;
    const node: Node = { kind: "file", time: number, content };
    files.push(node);
    return node;
  };
  return visit(raw);
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]) =>
  a < b ? -1 : 1;

/** Whether two trees have something at one path that is not a directory in both. */
export function haveConflict(a: Node, b: Node): boolean {
  if (a.kind !== "directory" || b.kind !== "directory") return true;
  return [...a.children].some(([name, child]) => {
    const other = b.children.get(name);
    return other !== undefined && haveConflict(child, other);
  });
}

/** What two trees are as one. */
export function model(a: Node, b: Node, policy: ConflictPolicy): Node {
  const wins = policy === "replace" || policy === "newest" && b.time > a.time;
  if (a.kind !== "directory" || b.kind !== "directory") return wins ? b : a;
  const names = [...new Set([...a.children.keys(), ...b.children.keys()])];
  const children = new Map(
    names.sort().map((name) => {
      const one = a.children.get(name), other = b.children.get(name);
      if (one === undefined) return [name, other!];
      return [name, other === undefined ? one : model(one, other, policy)];
    }),
  );
  return { kind: "directory", time: wins ? b.time : a.time, children };
}

/** A tree as entries, with positions as an archive has them. */
export function entriesOf(root: Node): Entry[] {
  const entries: Entry[] = [];
  const firsts = new Map<Node, { position: number; path: string }>();
  let position = 7;
  const visit = (node: Node, path: string, key: string): void => {
    const name = utf8(key);
    position += 3;
    const stat = { name, position, secs: node.time, uid: node.time };
    if (node.kind === "directory") {
      entries.push(makeEntry("directory", { ...stat, mode: 0o40755 }));
      for (const [key, child] of node.children) {
        visit(child, path === "" ? key : `${path}/${key}`, key);
      }
      entries.push(makeEntry("end", { position: position += 3 }));
      return;
    }
    if (node.kind === "fifo") {
      entries.push(makeEntry("fifo", { ...stat, mode: 0o10600 }));
      return;
    }
    const first = firsts.get(node);
    if (first !== undefined) {
      entries.push(
        makeEntry("hardlink", {
          name,
          position,
          target: utf8(first.path),
          linkPosition: first.position,
        }),
      );
      return;
    }
    firsts.set(node, { position, path });
    const content = new Expiring(utf8(node.content));
    entries.push(makeEntry("file", { ...stat, mode: 0o100644, content }));
  };
  visit(root, "", "");
  return entries;
}

/** Content that cannot be read once the next batch has been asked for. */
export class Expiring implements Content {
  readonly release: undefined;
  expired = false;
  #at = 0;
  constructor(readonly bytes: Uint8Array) {}
  get size(): number {
    return this.bytes.length;
  }
  read(into: Uint8Array): number {
    if (this.expired) throw new Error("the content is gone");
    const part = this.bytes.subarray(this.#at, this.#at + into.length);
    into.set(part);
    this.#at += part.length;
    return part.length;
  }
}

/** Entries in batches of the given sizes; contents last as long as their batch. */
export async function* batchesOf(
  entries: readonly Entry[],
  sizes: readonly number[],
): AsyncGenerator<Batch, void, void> {
  for (let at = 0, i = 0; at < entries.length; i++) {
    const batch = entries.slice(at, at + sizes[i % sizes.length]!);
    at += batch.length;
    yield await Promise.resolve(batch);
    for (const { content } of batch) {
      if (content instanceof Expiring) content.expired = true;
    }
  }
}

/** Finds a file by its position, with content that lasts. */
export function resolverOf(entries: readonly Entry[]) {
  return (position: number): Promise<Entry> => {
    const entry = entries.find((one) => one.position === position)!;
    const { bytes } = entry.content as Expiring;
    return Promise.resolve({ ...entry, content: new Expiring(bytes) });
  };
}

/** A line for each path of a tree, with kind, time and content; links are told by the path of their first. */
export function linesOf(root: Node): string[] {
  const lines: string[] = [];
  const firsts = new Map<Node, string>();
  const visit = (node: Node, path: string): void => {
    if (node.kind === "directory") {
      lines.push(`directory ${path} ${node.time}`);
      for (const [name, child] of node.children) {
        visit(child, `${path}/${name}`);
      }
      return;
    }
    const first = node.kind === "file" ? firsts.get(node) : undefined;
    if (first !== undefined) {
      lines.push(`hardlink ${path} to ${first}`);
      return;
    }
    firsts.set(node, path);
    lines.push(
      `${node.kind} ${path} ${node.time}` +
        (node.kind === "file" ? ` ${node.content}` : ""),
    );
  };
  visit(root, "");
  return lines;
}

/** The same of a stream; each content is read when it comes. A link's position and its target must mean the same file. */
export async function linesOfStream(batches: Batches): Promise<string[]> {
  const lines: string[] = [];
  const paths = new PathTracker();
  const firsts = new Map<number, string>();
  for await (const batch of batches) {
    if (batch.length === 0) throw new Error("a batch is empty");
    for (const entry of batch) {
      if (entry.kind === "end") {
        paths.leave();
        continue;
      }
      paths.enter(entry);
      const path = paths.path.length === 0 ? "" : `/${text(paths.path)}`;
      if (entry.kind === "hardlink") {
        const first = firsts.get(entry.linkPosition!);
        if (first !== `/${text(entry.target!)}`) {
          throw new Error(
            `${path} leads to ${first} and ${text(entry.target!)}`,
          );
        }
        lines.push(`hardlink ${path} to ${first}`);
        continue;
      }
      if (entry.kind === "file") {
        if (entry.position !== undefined) firsts.set(entry.position, path);
        const { content } = entry;
        const bytes = new Uint8Array(content!.size);
        for (let at = 0; at < bytes.length;) {
          at += await content!.read(bytes.subarray(at, at + 2));
        }
        lines.push(`file ${path} ${entry.secs} ${text(bytes)}`);
      } else lines.push(`${entry.kind} ${path} ${entry.secs}`);
    }
  }
  return lines;
}
