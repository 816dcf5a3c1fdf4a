/**
 * What `diff` compares: an archive, or a directory as `create` would archive it.
 *
 * @module
 */
import type { Batches, Entry } from "@pxar/format/entry";
import { SystemError } from "@pxar/format/errors";
import { matchPatterns, type Pattern } from "@pxar/format/pattern";
import { readTree } from "@pxar/fs/read_tree";
import { type Problem, Report } from "@pxar/fs/report";
import { openLibc } from "@pxar/sys/libc";
import type { DiffField, DiffOptions } from "@pxar/transfer/diff";
import { each } from "@pxar/transfer/each";
import { PathTracker } from "@pxar/transfer/path";
import { Progress, progress } from "@pxar/transfer/progress";
import { parseArchiveRef } from "./archive_ref.ts";
import { textOf } from "./names.ts";
import { type ArchiveChoice, OpenArchive } from "./open_archive.ts";
import type { Voice } from "./voice.ts";

/** Whether directories are read through the C library. */
const IS_NATIVE = openLibc() !== undefined;

/** What a walk without the C library cannot know, and so is not compared where a directory is read without it. */
export const UNKNOWN_FIELDS: readonly DiffField[] = IS_NATIVE
  ? []
  : ["mtime", "xattrs", "acl", "fcaps", "flags", "project-id"];

/** Values of the options that say how a side is read. */
export interface SideChoice extends Omit<ArchiveChoice, "payload-input"> {
  /** Which contents are read. */
  readonly content: DiffOptions["content"];
  /** Whether also what is mounted below a directory. */
  readonly "all-file-systems": boolean;
  /** Also the file systems that these paths lie on. */
  readonly "include-dev": readonly string[];
  /** Most entries from the root down to any directory. */
  readonly "entries-max": number | undefined;
}

/** One of the two trees. */
export interface Side extends AsyncDisposable {
  /** Once, in order. */
  readonly entries: Batches;
  /** Counts what goes by. */
  readonly state: Progress;
  /** What happened while a directory was read; `undefined` for archives. */
  readonly report: Report | undefined;
  /** Where a directory could not be read; `undefined` for archives. */
  readonly unread: UnreadPaths | undefined;
  /** The archive; `undefined` for a directory. */
  readonly archive: OpenArchive | undefined;
}

/**
 * Opens one of the two trees.
 *
 * @param text As it was typed: an existing directory, or an archive.
 * @param payloads What `--payload-input` says; an archive that is a file takes the first one away.
 * @param options How it is read.
 * @param excluded What is left out of it.
 * @param voice Says what could not be read.
 * @param signal Ends reading.
 * @returns To be closed.
 * @throws As `OpenArchive.open`; a directory is opened when it is read.
 */
export async function openSide(
  text: string,
  payloads: string[],
  options: SideChoice,
  excluded: readonly Pattern[],
  voice: Voice,
  signal: AbortSignal,
): Promise<Side> {
  const ref = parseArchiveRef(text, options.ns), state = new Progress();
  if (ref.kind === "file" && isDirectory(text)) {
    const unread = new UnreadPaths();
    const report = new Report((problem) => {
      voice.problem(problem.message);
      unread.add(problem);
    });
    const { "entries-max": entriesMax } = options;
    const entries = readTree(text, {
      patterns: excluded,
      prelude: true,
      advise: options.content === "always",
      allFileSystems: options["all-file-systems"],
      includeDev: options["include-dev"],
      ...(entriesMax !== undefined && { entriesMax }),
      skipE2bigXattr: true,
      report,
      signal,
    });
    return {
      entries: progress(entries, state),
      state,
      report,
      unread,
      archive: undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const choice: ArchiveChoice = {
    ...options,
    "payload-input": ref.kind === "file" ? payloads.shift() : undefined,
  };
  const archive = await OpenArchive.open(text, choice, voice, signal);
  const contents = options.content !== "never";
  const entries = without(archive.entries({ contents }), excluded);
  return {
    entries: progress(entries, state),
    state,
    report: undefined,
    unread: undefined,
    archive,
    [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
  };
}

function isDirectory(path: string): boolean {
  try {
    return path !== "-" && Deno.statSync(path).isDirectory;
  } catch {
    return false; // Whoever opens it says why.
  }
}

/** Drops what patterns exclude, as a walk through a directory does: nothing below it is asked about. */
function without(batches: Batches, excluded: readonly Pattern[]): Batches {
  if (excluded.length === 0) return batches;
  const paths = new PathTracker();
  return each(batches, (entry: Entry) => {
    if (entry.kind === "end") paths.leave();
    else if (entry.kind !== "version" && entry.kind !== "prelude") {
      paths.enter(entry);
      const isDirectory = entry.kind === "directory";
      const { view } = paths;
      if (
        view.length > 0 &&
        matchPatterns(excluded, view, isDirectory) === "exclude"
      ) {
        if (isDirectory) paths.leave();
        return undefined;
      }
    }
    return entry;
  });
}

/** Where something was left out of a walk that is there. */
export class UnreadPaths {
  /** How often that was because it could not be read; what is mounted there is left out by intent. */
  refused = 0;
  readonly #paths = new Set<string>();

  /** Notes what was said of a path. */
  add({ path, cause }: Problem): void {
    if (cause instanceof SystemError) {
      // It has gone since its name was read.
      if (cause.code === "ENOENT") return;
      this.refused++;
    }
    this.#paths.add(path.toHex());
  }

  /** Whether a path is one of them, or below one, or has a name that a walk without the C library cannot know. */
  has(path: Uint8Array): boolean {
    if (!IS_NATIVE && textOf(path) === undefined) return true;
    if (this.#paths.size === 0) return false;
    const hex = path.toHex();
    for (let to = 0; to >= 0; to = path.indexOf(0x2f, to + 1)) {
      if (this.#paths.has(hex.slice(0, 2 * to))) return true;
    }
    return this.#paths.has(hex);
  }
}
