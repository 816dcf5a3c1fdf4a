/**
 * An archive, or a part of it, to a directory.
 *
 * @module
 */
import type { Batch, Batches, Entry } from "@pxar/format/entry";
import { SystemError } from "@pxar/format/errors";
import type { Bytes } from "@pxar/format/bytes";
import type { Pattern } from "@pxar/format/pattern";
import { type Loss, Report } from "@pxar/fs/report";
import { writeTree, type WriteTreeOptions } from "@pxar/fs/write_tree";
import { pick } from "@pxar/transfer/pick";
import { select } from "@pxar/transfer/select";
import { EXIT, ExitError, reasonOf } from "./exits.ts";
import type { OpenArchive } from "./open_archive.ts";
import type { Flag, Text, Texts } from "./options.ts";
import { closing, jsonReport } from "./outcome.ts";
import { printJson } from "./output.ts";
import { withContents } from "./payload_file.ts";
import type { Voice } from "./voice.ts";

/** The part of an archive that is read by paths: one in so many bytes, at most. */
const FEW = 8;
/** What is more than itself in a pattern. */
const WILD: ReadonlySet<number> = new Set(new TextEncoder().encode("*?[]\\"));

/** Options that say what is restored, and what may be replaced. */
export const TREE_OPTIONS: {
  readonly pattern: Texts;
  readonly "allow-existing-dirs": Flag;
  readonly overwrite: Flag;
  readonly "overwrite-files": Flag;
  readonly "overwrite-symlinks": Flag;
  readonly "overwrite-hardlinks": Flag;
  readonly "prelude-target": Text;
} = {
  pattern: {
    kind: "texts",
    value: "PATTERN",
    help: "only what matches, such as etc/*.conf, or /etc/ from the root",
  },
  "allow-existing-dirs": {
    kind: "flag",
    help: "use directories that exist, and give them the archive's metadata",
  },
  overwrite: { kind: "flag", help: "the three that follow" },
  "overwrite-files": {
    kind: "flag",
    help: "files may replace what exists",
  },
  "overwrite-symlinks": {
    kind: "flag",
    help: "symlinks may replace what exists",
  },
  "overwrite-hardlinks": {
    kind: "flag",
    help: "hardlinks may replace what exists",
  },
  "prelude-target": {
    kind: "text",
    value: "FILE",
    help: "also write the archive's prelude to this file",
  },
};

/** What was asked for: values of {@linkcode TREE_OPTIONS}. */
export interface TreeChoice {
  /** Directories that exist are used. */
  readonly "allow-existing-dirs": boolean;
  /** All may be replaced. */
  readonly overwrite: boolean;
  /** Files may replace what exists. */
  readonly "overwrite-files": boolean;
  /** Symlinks may replace what exists. */
  readonly "overwrite-symlinks": boolean;
  /** Hardlinks may replace what exists. */
  readonly "overwrite-hardlinks": boolean;
  /** Where the prelude goes, if that was typed. */
  readonly "prelude-target": string | undefined;
}

/** How it is restored. */
export interface TreeHow {
  /** Only what they select; `undefined` for all. */
  readonly patterns: readonly Pattern[] | undefined;
  /** What is restored of an entry, and whether the first error ends it. */
  readonly write: Pick<
    WriteTreeOptions,
    | "strict"
    | "xattrs"
    | "acls"
    | "fcaps"
    | "owners"
    | "permissions"
    | "devices"
    | "fifos"
    | "sockets"
  >;
  /** Whether a device that cannot be made is no error. */
  readonly lenient?: boolean | undefined;
  /** What JSON says beside what happened; no JSON without. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Restores an archive into a directory, says what went wrong, and prints what happened where JSON is wanted.
 *
 * @param opened The archive.
 * @param target The directory.
 * @param choice What may be replaced.
 * @param how What is restored.
 * @param voice Draws progress, and says what goes wrong.
 * @param signal Ends it; what was restored stays.
 * @returns The exit code.
 */
export async function restoreTree(
  opened: OpenArchive,
  target: string,
  choice: TreeChoice,
  how: TreeHow,
  voice: Voice,
  signal: AbortSignal,
): Promise<number> {
  const { patterns, write } = how, prelude = choice["prelude-target"];
  const report = new (how.lenient ? LenientReport : Report)(
    ({ severity, message }) => {
      // With --strict an error is thrown, too, and said at the end.
      if (severity === "warning" || !write.strict) voice.problem(message);
    },
  );
  const overwriteFiles = choice.overwrite || choice["overwrite-files"];
  const paths = patterns && await fewPaths(opened, patterns);
  let batches: Batches = paths === undefined
    ? opened.entries()
    : pick(await opened.accessor(), { paths, signal });
  if (prelude !== undefined) {
    batches = takingPrelude(batches, prelude, overwriteFiles, voice);
  }
  if (patterns !== undefined && paths === undefined) {
    batches = selected(
      batches,
      opened,
      patterns,
      write.strict ? undefined : report,
    );
  }
  if (!opened.hasContents) batches = withContents(batches);
  voice.follow(() => report);
  try {
    await writeTree(target, batches, {
      ...write,
      overwriteFiles,
      overwriteSymlinks: choice.overwrite || choice["overwrite-symlinks"],
      overwriteHardlinks: choice.overwrite || choice["overwrite-hardlinks"],
      overwriteNodes: choice.overwrite,
      allowExistingDirs: choice["allow-existing-dirs"],
      report,
      signal,
    });
  } finally {
    voice.end();
  }
  const exit = await closing(report, voice, "restored");
  if (how.json !== undefined) {
    printJson({ ...how.json, target, ...await jsonReport(report) });
  }
  if (exit !== EXIT.done || patterns === undefined || report.entries > 1) {
    return exit;
  }
  voice.problem(`nothing in ${opened.shown} matches what was asked for`);
  return EXIT.missing;
}

/**
 * Passes on what patterns select of an archive.
 *
 * @param batches Its entries.
 * @param opened The archive, for files whose links are selected and they are not.
 * @param patterns What is wanted.
 * @param report Takes links whose files cannot be found; without it, they end the stream.
 * @returns The entries that are left.
 */
export function selected(
  batches: Batches,
  opened: OpenArchive,
  patterns: readonly Pattern[],
  report: Report | undefined,
): Batches {
  return select(batches, {
    patterns,
    matchAll: false,
    ...(opened.isAnywhere &&
      { resolve: (position) => firstLink(opened, position) }),
    ...(report !== undefined &&
      { onError: (path, error) => report.fail(path, error.message, error) }),
  });
}

/** Takes devices that cannot be made for a warning. */
class LenientReport extends Report {
  override fail(path: Bytes, message: string, cause?: unknown): void {
    if (cause instanceof SystemError && cause.call === "mknodat") {
      this.warn(path, message, cause);
    } else super.fail(path, message, cause);
  }

  override lose(loss: Loss): void {
    if (loss !== "devices") super.lose(loss);
  }
}

/**
 * What patterns select of a snapshot's archive, where that is known without reading it: paths from the root, without wildcards, to a small part. In an archive
 * that is not split, nearly every chunk has some header in it, and would be fetched for that.
 */
async function fewPaths(
  opened: OpenArchive,
  patterns: readonly Pattern[],
): Promise<Bytes[] | undefined> {
  if (opened.snapshot === undefined || !patterns.every(isPath)) {
    return undefined;
  }
  const { archive = 0, payload } = opened.sizes();
  if (payload !== undefined) return undefined;
  const accessor = await opened.accessor(), paths: Bytes[] = [];
  let bytes = 0;
  for (const { text, directoryOnly } of patterns) {
    const node = await accessor.lookup(text);
    if (node === undefined) continue;
    if (directoryOnly && node.entry.kind !== "directory") continue;
    bytes += node.end - node.position;
    paths.push(text);
  }
  return bytes * FEW <= archive ? paths : undefined;
}

/** Whether nothing but one path from the root can match. */
function isPath({ include, text }: Pattern): boolean {
  return include && text[0] === 0x2f &&
    !text.some((byte) => WILD.has(byte));
}

/** The file that a selected link leads to. */
async function firstLink(
  opened: OpenArchive,
  position: number,
): Promise<Entry> {
  const accessor = await opened.accessor();
  const node = await accessor.at(position);
  if (node.entry.kind !== "file") return node.entry;
  return { ...node.entry, content: accessor.content(node) };
}

/** Writes the prelude to a file when it comes by. */
async function* takingPrelude(
  batches: Batches,
  path: string,
  overwrite: boolean,
  voice: Voice,
): AsyncGenerator<Batch, void, void> {
  let looking = true;
  for await (const batch of batches) {
    for (let i = 0; looking && i < batch.length; i++) {
      const { kind, content } = batch[i]!;
      if (kind === "version") continue;
      looking = false;
      if (kind !== "prelude" || content === undefined) {
        voice.note("the archive has no prelude");
        continue;
      }
      try {
        const how = overwrite
          ? { create: true, truncate: true }
          : { createNew: true };
        using file = Deno.openSync(path, { write: true, mode: 0o644, ...how });
        const piece = new Uint8Array(Math.min(content.size, 1 << 20));
        for (let left = content.size; left > 0;) {
          const got = await content.read(piece);
          for (let at = 0; at < got;) {
            at += file.writeSync(piece.subarray(at, got));
          }
          left -= got;
        }
      } catch (error) {
        throw new ExitError(
          EXIT.failed,
          `Cannot write prelude to ${path}: ${reasonOf(error)}`,
          { cause: error },
        );
      }
    }
    yield batch;
  }
}
