/**
 * What is wanted of a stream of entries, told by patterns.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Batch, Batches, Entry } from "@pxar/format/entry";
import { FormatError, NotFoundError, PxarError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { matchPatterns, type Pattern } from "@pxar/format/pattern";
import { PathTracker } from "./path.ts";

/** How to select. */
export interface SelectOptions {
  /** The last one that matches an entry's path decides; where none does, the entry is wanted if what is around it is. */
  readonly patterns: readonly Pattern[];
  /** Whether entries are wanted that no pattern says anything of, neither of them nor of a directory around them; by default only if there are no patterns. */
  readonly matchAll?: boolean;
  /**
   * Finds the first of several links by the `linkPosition` of another, with content that can be read: a promise of the entry as the archive has it.
   * Without it, a link whose first one is not selected is an error.
   */
  readonly resolve?: (linkPosition: number) => Promise<Entry>;
  /** Told of a link that is left out because its first one is not selected and could not be found; without it, such a link ends the stream with the error. */
  readonly onError?: (path: Bytes, error: PxarError) => void;
}

/**
 * Passes on the entries that patterns select, and the directories that lead there.
 *
 * The root is always passed on. A directory is, if it is wanted itself, also when it is empty; else it is held back until something in it is wanted.
 *
 * When the first of several links is left out, the next one that is wanted takes its place: it becomes what the first was, and the later ones become links to it.
 *
 * @param batches The entries. Versions, preludes and known chunks are passed on as they are.
 * @param options The patterns, and where to find what is left out.
 * @returns The entries that are left, in batches that are never empty. Contents that are held are released where their entries are dropped.
 * @throws {PxarError} If the first of several links is wanted and not found, and there is no `onError`.
 *
 * @example
 * ```ts
 * import { type Batches, makeEntry } from "@pxar/format/entry";
 * import { parsePattern } from "@pxar/format/pattern";
 * import { select } from "@pxar/transfer/select";
 *
 * const named = (name: string) => ({ name: new TextEncoder().encode(name) });
 * const batches: Batches = [[
 *   makeEntry("directory"),
 *   makeEntry("directory", named("etc")),
 *   makeEntry("file", named("hosts")),
 *   makeEntry("end"),
 *   makeEntry("fifo", named("queue")),
 *   makeEntry("end"),
 * ]];
 * const patterns = [parsePattern("/etc/ho*", "include")];
 * for await (const batch of select(batches, { patterns })) console.assert(batch.length === 5);
 * ```
 */
export async function* select(
  batches: Batches,
  options: SelectOptions,
): AsyncGenerator<Batch, void, void> {
  const selection = new Selection(options);
  for await (const batch of batches) {
    const kept: Entry[] = [];
    for (const entry of batch) {
      const link = selection.take(entry, kept);
      if (link !== undefined) await selection.promote(link, kept);
    }
    if (kept.length > 0) yield kept;
  }
}

/** A link that is the first one of its file now. */
interface Promoted {
  readonly position: number | undefined;
  readonly path: Bytes;
}

class Selection {
  readonly #options: SelectOptions;
  readonly #paths = new PathTracker();
  /** Whether what no pattern names is wanted, for each open directory, the root first. */
  readonly #wanted: boolean[];
  /** The innermost open directories, those not passed on yet. */
  readonly #held: Entry[] = [];
  readonly #firsts = new Firsts();
  readonly #promoted = new Map<number, Promoted>();

  constructor(options: SelectOptions) {
    this.#options = options;
    this.#wanted = [options.matchAll ?? options.patterns.length === 0];
  }

  /** Passes an entry on to `kept`, if it is wanted; a link that needs its first one is given back instead. */
  take(entry: Entry, kept: Entry[]): Entry | undefined {
    switch (entry.kind) {
      case "version":
      case "prelude":
      case "inject":
        kept.push(entry);
        return undefined;
      case "end":
        this.#paths.leave();
        this.#wanted.pop();
        if (this.#held.pop() === undefined) kept.push(entry);
        return undefined;
      case "directory":
        this.#directory(entry, kept);
        return undefined;
      case "hardlink":
        this.#paths.enter(entry);
        return this.#isWanted(false) ? this.#link(entry, kept) : undefined;
      default:
        this.#paths.enter(entry);
        this.#leaf(entry, kept);
        return undefined;
    }
  }

  /** Makes a link what its first one is. */
  async promote(link: Entry, kept: Entry[]): Promise<void> {
    const path = this.#paths.path;
    try {
      const first = await this.#first(link, path);
      const { name, position } = link;
      this.#promoted.set(link.linkPosition!, { position, path });
      this.#pass({ ...first, name, position, linkPosition: undefined }, kept);
    } catch (error) {
      if (
        !(error instanceof PxarError) || this.#options.onError === undefined
      ) throw error;
      this.#options.onError(path, error);
    }
  }

  #directory(entry: Entry, kept: Entry[]): void {
    this.#paths.enter(entry);
    if (this.#paths.depth === 1) {
      kept.push(entry);
      return;
    }
    const wanted = this.#isWanted(true);
    this.#wanted.push(wanted);
    if (wanted) this.#pass(entry, kept);
    else this.#held.push(entry);
  }

  #leaf(entry: Entry, kept: Entry[]): void {
    const wanted = this.#isWanted(false);
    if (entry.position !== undefined) this.#firsts.add(entry.position, wanted);
    if (wanted) this.#pass(entry, kept);
    else entry.content?.release?.();
  }

  #link(entry: Entry, kept: Entry[]): Entry | undefined {
    const first = entry.linkPosition;
    if (first === undefined || this.#firsts.has(first)) {
      this.#pass(entry, kept);
      return undefined;
    }
    const promoted = this.#promoted.get(first);
    if (promoted === undefined) return entry;
    this.#pass({
      ...entry,
      target: promoted.path,
      linkPosition: promoted.position,
    }, kept);
    return undefined;
  }

  #isWanted(isDirectory: boolean): boolean {
    const { patterns } = this.#options;
    const says = patterns.length === 0
      ? undefined
      : matchPatterns(patterns, this.#paths.view, isDirectory);
    return says === undefined ? this.#wanted.at(-1)! : says === "include";
  }

  #pass(entry: Entry, kept: Entry[]): void {
    for (const directory of this.#held) kept.push(directory);
    this.#held.length = 0;
    kept.push(entry);
  }

  async #first(link: Entry, path: Bytes): Promise<Entry> {
    const target = link.target === undefined
      ? ""
      : ` "${showName(link.target)}"`;
    const text = `Cannot select hardlink "${
      showName(path)
    }": its first link${target}`;
    if (this.#options.resolve === undefined) {
      throw new NotFoundError(
        `${text} is not selected, expected it to be, or random access`,
      );
    }
    const first = await this.#options.resolve(link.linkPosition!);
    switch (first.kind) {
      case "file":
      case "symlink":
      case "device":
      case "fifo":
      case "socket":
        return first;
      default:
        throw new FormatError(`${text} is a ${first.kind}, expected a file`);
    }
  }
}

/** Which of the entries that links may go to are selected: the rising positions from which on they are, are not, are again … */
class Firsts {
  readonly #turns: number[] = [];

  add(position: number, selected: boolean): void {
    if ((this.#turns.length % 2 === 1) !== selected) this.#turns.push(position);
  }

  has(position: number): boolean {
    let from = 0, to = this.#turns.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#turns[middle]! <= position) from = middle + 1;
      else to = middle;
    }
    return from % 2 === 1;
  }
}
