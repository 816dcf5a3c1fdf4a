/**
 * Entries onto a real directory.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Batches, Entry } from "@pxar/format/entry";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import { checkName } from "@pxar/format/name";
import { openLibc } from "@pxar/sys/libc";
import { NativeWriter } from "./native_writer.ts";
import { Report } from "./report.ts";
import { Trail } from "./trail.ts";
import {
  type Choices,
  choose,
  type RestoreOptions,
  type TreeWriter,
  wants,
} from "./tree_writer.ts";
import { Turns } from "./turns.ts";

export type { RestoreOptions };

/** What is restored and how, and who is told. */
export interface WriteTreeOptions extends RestoreOptions {
  /** `false` forces Deno's own API; otherwise the C library is used where it is there and granted. */
  native?: boolean;
  /** Whether the first error is thrown, instead of noting it and going on. Default: no. */
  strict?: boolean;
  /** Takes counts, losses and problems; a new one where it is not given. */
  report?: Report;
}

/** Most directories one in the other. */
const LEVELS = 10_000;

/**
 * Restores a tree below a directory.
 *
 * The directory, and those above it, are made where they are not there; it gets the root's metadata at the end. Nothing is ever written outside of it:
 * names are single components, directories are opened without following symlinks, and a hardlink's target is looked up component by component.
 * An entry that cannot be restored is noted in the report, and the rest goes on. What a directory gets, it gets when it closes.
 *
 * A file is 0600 while it is written, where its final mode, owner or access list would let others at it in between.
 *
 * @param path The directory that becomes the root of the tree.
 * @param batches The entries, root first; version and prelude are passed over.
 * @param options What is restored and how.
 * @returns What was restored, and what was not.
 * @throws {FormatError} If the entries are not one tree: names that are none, directories that do not close ({@linkcode TruncatedError}), more than
 * 10,000 levels; and whatever their source throws. The file that was being written is gone then.
 * @throws {SystemError} If the directory itself cannot be made or opened.
 */
export async function writeTree(
  path: string | Bytes,
  batches: Batches,
  options: WriteTreeOptions = {},
): Promise<Report> {
  const report = options.report ?? new Report();
  const choices = choose(options);
  const trail = new Trail(report, options.strict ?? false);
  const libc = options.native === false ? undefined : openLibc();
  const parts = { path, choices, trail };
  const writer = libc === undefined
    ? new (await import("./portable_writer.ts")).PortableWriter(parts)
    : new NativeWriter(libc, parts);
  const restoration = new Restoration(writer, trail, choices);
  const turns = new Turns();
  try {
    for await (const batch of batches) {
      choices.signal?.throwIfAborted();
      for (let i = 0; i < batch.length; i++) {
        const waiting = restoration.take(batch[i]!);
        if (waiting !== undefined) await waiting;
      }
      if (turns.due) await turns.pass();
    }
    choices.signal?.throwIfAborted();
    restoration.finish();
  } finally {
    writer.close();
  }
  return report;
}

/** Sees to it that entries are one tree, and hands them on. */
class Restoration {
  readonly #writer: TreeWriter;
  readonly #trail: Trail;
  readonly #choices: Choices;
  /** Files that are not there, for hardlinks to them. */
  readonly #missing = new Set<number>();
  /** How many directories are open below one that could not be made, itself included. */
  #skipped = 0;
  /** Whether that was for its name. */
  #unnamed = false;
  #closed = false;

  constructor(writer: TreeWriter, trail: Trail, choices: Choices) {
    this.#writer = writer;
    this.#trail = trail;
    this.#choices = choices;
  }

  take(entry: Entry): Promise<void> | undefined {
    const { kind, name } = entry;
    if (kind === "version" || kind === "prelude") return;
    const root = this.#trail.depth === 0;
    if (root && (this.#closed || kind !== "directory")) {
      throw new FormatError(
        this.#closed
          ? `Cannot restore entries: ${kind} stands behind the end of the root, expected nothing`
          : `Cannot restore entries: the first is a ${kind}, expected the root directory`,
      );
    }
    if (kind === "end") return this.#end();
    if (kind === "inject") {
      throw new FormatError(
        "Cannot restore entries: there are known chunks among them, expected content",
      );
    }
    if (!root) checkName(name);
    if (this.#skipped > 0) return this.#skip(entry);
    this.#trail.at(root ? undefined : name);
    let made: boolean | Promise<boolean>;
    switch (kind) {
      case "directory":
        this.#checkDepth();
        made = this.#writer.directory(entry);
        if (made) this.#trail.enter();
        else {
          this.#skipped = 1;
          this.#unnamed = this.#trail.hasLost("names");
        }
        break;
      case "file":
        made = this.#writer.file(entry);
        if (typeof made !== "boolean") {
          return made.then((made) => this.#count(entry, made));
        }
        break;
      case "symlink":
        made = this.#writer.symlink(entry);
        break;
      case "hardlink":
        made = this.#writer.hardlink(
          entry,
          entry.linkPosition !== undefined &&
            this.#missing.has(entry.linkPosition),
        );
        break;
      case "device":
      case "fifo":
      case "socket":
        if (!this.#choices[`${kind}s`]) return;
        made = this.#writer.node(entry);
        break;
    }
    this.#count(entry, made);
    return;
  }

  finish(): void {
    if (this.#closed) return;
    throw new TruncatedError(
      `Cannot restore entries: they stop while ${
        this.#trail.depth + this.#skipped
      } directories are open, expected the end of the root`,
    );
  }

  #end(): undefined {
    if (this.#skipped > 0) {
      this.#skipped--;
      return;
    }
    this.#trail.at(undefined);
    this.#writer.end();
    this.#trail.leave();
    this.#closed = this.#trail.depth === 0;
  }

  #skip(entry: Entry): undefined {
    if (this.#unnamed) this.#trail.report.lose("names");
    if (entry.kind === "directory") {
      this.#checkDepth();
      this.#skipped++;
    } else if (entry.kind === "file" && entry.position !== undefined) {
      this.#missing.add(entry.position);
    }
  }

  #count(entry: Entry, made: boolean): void {
    const { kind, attributes, position } = entry;
    if (made) {
      this.#trail.report.entries++;
      if (
        attributes !== undefined && kind !== "file" && kind !== "directory" &&
        wants(attributes, this.#choices)
      ) {
        this.#trail.fail(
          "restore attributes of",
          `it is a ${kind}, expected a file or directory`,
        );
      }
    } else if (kind === "file" && position !== undefined) {
      this.#missing.add(position);
    }
  }

  #checkDepth(): void {
    if (this.#trail.depth + this.#skipped > LEVELS) {
      throw new FormatError(
        `Cannot restore entries: directories lie more than ${LEVELS} deep, expected at most that`,
      );
    }
  }
}
