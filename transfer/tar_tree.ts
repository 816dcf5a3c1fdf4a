// The tree of an archive whose members come in any order, kept small: numbers in typed arrays, names in one memory; 60 to 80 bytes a node and its name.
import type { Bytes } from "@pxar/format/bytes";
import { UnsupportedError } from "@pxar/format/errors";
import { compareNames } from "@pxar/format/name";
import { hash, siphash } from "@pxar/format/siphash";
import { refusal } from "./tar_member.ts";

/** What stands at a node: nothing yet, a directory, a file, or something without content. */
export const NODE = { MADE: 0, DIRECTORY: 1, FILE: 2, OTHER: 3 } as const;

/** The root's number. */
export const ROOT = 0;

const SLASH = 0x2f;
const NONE = 0xffff_ffff;

/** Nodes by path, each with the place of the member that it is. */
export class TarTree {
  readonly #limit: number;
  #count = 1;
  #kind = new Uint8Array(256);
  #parent = new Uint32Array(256);
  #first = new Uint32Array(256).fill(NONE);
  #next = new Uint32Array(256).fill(NONE);
  #nameFrom = new Float64Array(256);
  #nameLength = new Uint16Array(256);
  #offset = new Float64Array(256);
  #context = new Uint32Array(256);
  #names: Bytes = new Uint8Array(4096);
  #namesEnd = 0;
  #table = new Uint32Array(1024).fill(NONE);
  // Nobody can make names that all fall into one place of the table.
  readonly #seed: Uint32Array = crypto.getRandomValues(new Uint32Array(2));

  /**
   * Starts with a root that no member is.
   *
   * @param limit Most nodes.
   */
  constructor(limit: number) {
    this.#limit = limit;
    this.#offset[ROOT] = -1;
  }

  /** What stands there. */
  kind(node: number): number {
    return this.#kind[node]!;
  }

  /** Where its member stands in the archive; of one that was made, the first member below it. */
  offset(node: number): number {
    return this.#offset[node]!;
  }

  /** Which global records hold for its member. */
  context(node: number): number {
    return this.#context[node]!;
  }

  /** Its name, a view. */
  name(node: number): Bytes {
    const from = this.#nameFrom[node]!;
    return this.#names.subarray(from, from + this.#nameLength[node]!);
  }

  /** Its path from the root. */
  path(node: number): Bytes {
    const parts: Bytes[] = [];
    for (let at = node; at !== ROOT; at = this.#parent[at]!) {
      parts.push(this.name(at));
    }
    const length = parts.reduce((sum, part) => sum + part.length + 1, -1);
    const path = new Uint8Array(Math.max(0, length));
    let to = 0;
    for (const part of parts.reverse()) {
      if (to > 0) path[to++] = SLASH;
      path.set(part, to);
      to += part.length;
    }
    return path;
  }

  /** A directory's children, by name. */
  children(node: number): Uint32Array {
    let count = 0;
    for (let at = this.#first[node]!; at !== NONE; at = this.#next[at]!) {
      count++;
    }
    const children = new Uint32Array(count);
    for (let at = this.#first[node]!; at !== NONE; at = this.#next[at]!) {
      children[--count] = at;
    }
    return children.sort((a, b) => compareNames(this.name(a), this.name(b)));
  }

  /** Looks for a path; `undefined` where there is none. */
  find(path: Bytes): number | undefined {
    let node = ROOT;
    for (const [from, to] of components(path)) {
      const child = this.#lookUp(node, path.subarray(from, to));
      if (child === NONE) return undefined;
      node = child;
    }
    return node;
  }

  /**
   * Puts a member at a path, in the place of an earlier one, and makes the directories that lead there.
   *
   * @param path From the root.
   * @param kind What it is.
   * @param offset Where it stands in the archive.
   * @param context Which global records hold for it.
   * @throws {FormatError} If something else than a directory is on the way, or a directory with something in it has its place.
   * @throws {UnsupportedError} If there are more nodes than there may be.
   */
  put(path: Bytes, kind: number, offset: number, context: number): void {
    let node = ROOT;
    if (this.#offset[ROOT]! < 0) this.#set(ROOT, NODE.MADE, offset, context);
    for (const [from, to] of components(path)) {
      if (this.#kind[node]! > NODE.DIRECTORY) {
        throw refusal(
          path,
          "something else than a directory is on its way",
          "directories",
        );
      }
      const name = path.subarray(from, to);
      const child = this.#lookUp(node, name);
      node = child === NONE ? this.#add(node, name, offset, context) : child;
    }
    const directory = kind === NODE.DIRECTORY;
    if (!directory && (node === ROOT || this.#first[node] !== NONE)) {
      throw refusal(
        path,
        "a directory that is not empty has its place",
        "none",
      );
    }
    this.#set(node, kind, offset, context);
  }

  #set(node: number, kind: number, offset: number, context: number): void {
    this.#kind[node] = kind;
    this.#offset[node] = offset;
    this.#context[node] = context;
  }

  #add(parent: number, name: Bytes, offset: number, context: number): number {
    const node = this.#count;
    if (node >= this.#limit) {
      throw new UnsupportedError(
        `Cannot read tar archive: it has more than ${this.#limit} entries, expected at most those where they are sorted`,
      );
    }
    if (node === this.#kind.length) this.#grow();
    this.#count++;
    if (this.#namesEnd + name.length > this.#names.length) {
      const names = new Uint8Array(this.#names.length * 2 + name.length);
      names.set(this.#names.subarray(0, this.#namesEnd));
      this.#names = names;
    }
    this.#names.set(name, this.#namesEnd);
    this.#nameFrom[node] = this.#namesEnd;
    this.#nameLength[node] = name.length;
    this.#namesEnd += name.length;
    this.#parent[node] = parent;
    this.#next[node] = this.#first[parent]!;
    this.#first[parent] = node;
    this.#set(node, NODE.MADE, offset, context);
    if (this.#count * 2 > this.#table.length) this.#rehash();
    else this.#enter(node);
    return node;
  }

  #lookUp(parent: number, name: Bytes): number {
    const mask = this.#table.length - 1;
    for (let at = this.#slot(parent, name) & mask;; at = at + 1 & mask) {
      const node = this.#table[at]!;
      if (node === NONE) return NONE;
      if (
        this.#parent[node] === parent &&
        compareNames(this.name(node), name) === 0
      ) return node;
    }
  }

  #enter(node: number): void {
    const mask = this.#table.length - 1;
    let at = this.#slot(this.#parent[node]!, this.name(node)) & mask;
    while (this.#table[at] !== NONE) at = at + 1 & mask;
    this.#table[at] = node;
  }

  #slot(parent: number, name: Bytes): number {
    siphash(name, 0, name.length);
    const [a, b] = this.#seed;
    let mixed = Math.imul(hash[0]! ^ a!, 0x85ebca6b) ^
      Math.imul(hash[1]! ^ b!, 0xc2b2ae35) ^ Math.imul(parent, 0x9e3779b1);
    mixed = Math.imul(mixed ^ mixed >>> 16, 0x45d9f3b);
    return (mixed ^ mixed >>> 15) >>> 0;
  }

  #rehash(): void {
    this.#table = new Uint32Array(this.#table.length * 2).fill(NONE);
    for (let node = 1; node < this.#count; node++) this.#enter(node);
  }

  #grow(): void {
    const length = this.#count * 2;
    const larger = <
      T extends Uint8Array | Uint16Array | Uint32Array | Float64Array,
    >(
      to: T,
      from: T,
    ): T => {
      to.set(from);
      return to;
    };
    this.#kind = larger(new Uint8Array(length), this.#kind);
    this.#parent = larger(new Uint32Array(length), this.#parent);
    this.#first = larger(new Uint32Array(length).fill(NONE), this.#first);
    this.#next = larger(new Uint32Array(length).fill(NONE), this.#next);
    this.#nameFrom = larger(new Float64Array(length), this.#nameFrom);
    this.#nameLength = larger(new Uint16Array(length), this.#nameLength);
    this.#offset = larger(new Float64Array(length), this.#offset);
    this.#context = larger(new Uint32Array(length), this.#context);
  }
}

/** From where to where each component of a path goes. */
export function* components(
  path: Uint8Array,
): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < path.length;) {
    const slash = path.indexOf(SLASH, from);
    const to = slash < 0 ? path.length : slash;
    yield [from, to];
    from = to + 1;
  }
}
