/**
 * How far a stream of entries has come.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import type { Batch, Batches, Content, Entry } from "@pxar/format/entry";
import { PathTracker } from "./path.ts";

/** What the contents of one stream tell. */
interface Count {
  bytes: number;
  /** Told of every batch, and of every read. */
  readonly onChange: (() => void) | undefined;
  /** Index in its batch of the entry that was read last. */
  at: number;
}

/** Counts what passes a {@linkcode progress} tap; may be looked at any time. */
export class Progress {
  /** Nodes of the tree that have passed; versions, preludes, ends and known chunks are not counted. */
  entries = 0;
  /** Regular files among them; further links to one are none. */
  files = 0;
  readonly #count: Count;
  readonly #paths = new PathTracker();
  #batch: Batch = [];
  /** How many entries of the batch the tracker has seen. */
  #seen = 0;

  /**
   * Starts at nothing.
   *
   * @param onChange Told whenever it has got on: of each batch, and of each read of a content.
   */
  constructor(onChange?: () => void) {
    this.#count = { bytes: 0, at: 0, onChange };
  }

  /** Bytes of files' contents that have been read. */
  get bytes(): number {
    return this.#count.bytes;
  }

  /** Path of the entry whose content was read last, or of the first in the batch at hand; from the root, without leading slash. */
  get path(): Bytes {
    if (this.#batch.length === 0) return NO_BYTES;
    this.#follow(this.#count.at + 1);
    return this.#paths.path;
  }

  /**
   * Counts a batch.
   *
   * @param batch The next one of the stream.
   * @returns The same, with contents that are counted while they are read.
   */
  pass(batch: Batch): Batch {
    this.#follow(this.#batch.length);
    this.#batch = batch;
    this.#seen = 0;
    this.#count.at = 0;
    let changed: Entry[] | undefined;
    for (let i = 0; i < batch.length; i++) {
      const entry = batch[i]!;
      if (isNode(entry)) this.entries++;
      if (entry.kind !== "file") continue;
      this.files++;
      if (entry.content === undefined) continue;
      changed ??= batch.slice();
      changed[i] = {
        ...entry,
        content: new CountedContent(entry.content, this.#count, i),
      };
    }
    this.#count.onChange?.();
    return changed ?? batch;
  }

  /**
   * Counts bytes that belong to no entry, such as a disk's.
   *
   * @param count How many.
   */
  read(count: number): void {
    this.#count.bytes += count;
    this.#count.onChange?.();
  }

  #follow(end: number): void {
    while (this.#seen < end) {
      const entry = this.#batch[this.#seen++]!;
      if (entry.kind === "end") this.#paths.leave();
      else this.#paths.enter(entry);
    }
  }
}

/**
 * A tap: passes entries on as they are and counts them, and the bytes of their contents as these are read.
 *
 * @param batches The entries.
 * @param state What is counted into.
 *
 * @example
 * ```ts
 * import { type Batches, BytesContent, makeEntry } from "@pxar/format/entry";
 * import { Progress, progress } from "@pxar/transfer/progress";
 *
 * const content = new BytesContent(new Uint8Array(1000));
 * const batches: Batches = [[makeEntry("directory"), makeEntry("file", { content }), makeEntry("end")]];
 * const state = new Progress();
 * for await (const [, file] of progress(batches, state)) await file?.content?.read(new Uint8Array(600));
 * console.assert(state.entries === 2 && state.bytes === 600);
 * ```
 */
export async function* progress(
  batches: Batches,
  state: Progress,
): AsyncGenerator<Batch, void, void> {
  for await (const batch of batches) yield state.pass(batch);
}

function isNode(entry: Entry): boolean {
  const kind = entry.kind;
  return kind !== "end" && kind !== "inject" && kind !== "version" &&
    kind !== "prelude";
}

class CountedContent implements Content {
  readonly size: number;
  readonly release: (() => void) | undefined;
  readonly #content: Content;
  readonly #count: Count;
  readonly #index: number;

  constructor(content: Content, count: Count, index: number) {
    this.size = content.size;
    this.release = content.release && (() => content.release?.());
    this.#content = content;
    this.#count = count;
    this.#index = index;
  }

  read(into: Bytes): number | Promise<number> {
    this.#count.at = this.#index;
    const read = this.#content.read(into);
    if (typeof read !== "number") return this.#wait(read);
    return this.#counted(read);
  }

  async #wait(read: Promise<number>): Promise<number> {
    return this.#counted(await read);
  }

  #counted(count: number): number {
    this.#count.bytes += count;
    this.#count.onChange?.();
    return count;
  }
}
