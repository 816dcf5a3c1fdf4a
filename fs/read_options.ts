/**
 * What reading a directory can be asked for.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Pattern } from "@pxar/format/pattern";
import { Report } from "./report.ts";

/** How a directory is read. */
export interface ReadTreeOptions {
  /** Entries in a batch; 64 unless said otherwise. */
  readonly batch?: number;
  /** Asks the kernel to read each file ahead as soon as it is open; on unless said otherwise. */
  readonly advise?: boolean;
  /**
   * Keeps files open until their `content.release()` is called, at most this many. Asking for a batch while that many are held is a `RangeError`.
   * Without it, a file's content is valid until the next batch is asked for.
   */
  readonly hold?: number;
  /** What to leave out, as given on the command line; the `.pxarexclude` files of the tree come behind them. */
  readonly patterns?: readonly Pattern[];
  /** Paths from the root, without leading slash, that are left out silently, whatever the patterns say: the archive that is being made, where it lies in the tree. */
  readonly without?: readonly Bytes[];
  /** Tells {@linkcode patterns} in a prelude entry before the root instead of in a `.pxarexclude-cli` file behind its last child: for a split archive. */
  readonly prelude?: boolean;
  /** Also reads what is mounted below; virtual file systems such as `/proc` stay empty. */
  readonly allFileSystems?: boolean;
  /** Also reads the file systems that these paths lie on. */
  readonly includeDev?: readonly string[];
  /** Most entries that the directories from the root to the current one may have, all together; 1,048,576 unless said otherwise. */
  readonly entriesMax?: number;
  /** Leaves out extended attributes that are too large, with a warning, instead of giving up. */
  readonly skipE2bigXattr?: boolean;
  /** Reads extended attributes; without them no access lists and no capabilities either. On unless said otherwise. */
  readonly xattrs?: boolean;
  /** Reads access lists; on unless said otherwise. */
  readonly acls?: boolean;
  /** Reads capabilities of programs; on unless said otherwise. */
  readonly fcaps?: boolean;
  /** `false`: goes by Deno's own API even where the C library could be used. */
  readonly native?: boolean;
  /** Filled while reading. */
  readonly report?: Report;
  /** Ends the reading between two batches. */
  readonly signal?: AbortSignal;
}

/** {@linkcode ReadTreeOptions} with everything said. */
export interface ReadSettings {
  readonly batch: number;
  readonly advise: boolean;
  readonly hold: number | undefined;
  readonly patterns: readonly Pattern[];
  readonly without: readonly Bytes[];
  readonly prelude: boolean;
  readonly allFileSystems: boolean;
  readonly includeDev: readonly string[];
  readonly entriesMax: number;
  readonly skipE2bigXattr: boolean;
  readonly xattrs: boolean;
  readonly acls: boolean;
  readonly fcaps: boolean;
  readonly report: Report;
}

/**
 * Says what was not said.
 *
 * @throws {RangeError} If a number is not a whole one from 1 on.
 */
export function readSettings(options: ReadTreeOptions): ReadSettings {
  const xattrs = options.xattrs ?? true;
  return {
    batch: atLeastOne(options.batch ?? 64, "batch"),
    advise: options.advise ?? true,
    hold: options.hold === undefined
      ? undefined
      : atLeastOne(options.hold, "hold"),
    patterns: options.patterns ?? [],
    without: options.without ?? [],
    prelude: options.prelude ?? false,
    allFileSystems: options.allFileSystems ?? false,
    includeDev: options.includeDev ?? [],
    entriesMax: atLeastOne(options.entriesMax ?? 1_048_576, "entriesMax"),
    skipE2bigXattr: options.skipE2bigXattr ?? false,
    xattrs,
    acls: xattrs && (options.acls ?? true),
    fcaps: xattrs && (options.fcaps ?? true),
    report: options.report ?? new Report(),
  };
}

function atLeastOne(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(
    `Cannot read tree: ${name} is ${value}, expected a whole number from 1 on`,
  );
}
