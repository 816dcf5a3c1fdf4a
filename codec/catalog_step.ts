// Where a walk through a catalog has come to.
import type { Bytes } from "@pxar/format/bytes";
import type { CatalogEntry } from "./catalog.ts";

const SLASH = 0x2f;

/** An entry that a walk has come to. */
export interface CatalogStep {
  /** The entry. */
  readonly entry: CatalogEntry;
  /** The directory it is in; `undefined` where that is the one in which the walk began. */
  readonly above: CatalogStep | undefined;
  /** How many directories there are above it, below that in which the walk began. */
  readonly depth: number;
  /** Path from where the walk began, without leading slash; put together when asked for. */
  readonly path: Bytes;
}

/** Puts its path together of the names above it. */
export class Step implements CatalogStep {
  /** The entry. */
  readonly entry: CatalogEntry;
  /** The directory it is in. */
  readonly above: Step | undefined;
  /** How many directories are above it. */
  readonly depth: number;

  /** `above` is the directory it is in. */
  constructor(entry: CatalogEntry, above: Step | undefined, depth: number) {
    this.entry = entry;
    this.above = above;
    this.depth = depth;
  }

  /** Path from where the walk began. */
  get path(): Bytes {
    if (this.above === undefined) return this.entry.name;
    let length = this.entry.name.length;
    let step: Step | undefined = this.above;
    for (; step !== undefined; step = step.above) {
      length += step.entry.name.length + 1;
    }
    const path = new Uint8Array(length).fill(SLASH);
    path.set(this.entry.name, length - this.entry.name.length);
    let end = length - this.entry.name.length;
    for (step = this.above; step !== undefined; step = step.above) {
      const { name } = step.entry;
      end -= name.length + 1;
      path.set(name, end);
    }
    return path;
  }
}
