/**
 * `pxar diff`: what differs between two archives, snapshots or directories.
 *
 * @module
 */
import {
  type Change,
  diff,
  DIFF_FIELDS,
  type DiffField,
  type DiffOptions,
} from "@pxar/transfer/diff";
import { sameByChunks, SnapshotContents } from "@pxar/transfer/same_content";
import { type Command, command } from "./command.ts";
import { ESCAPED, JSON_FLAG, QUIET } from "./common_options.ts";
import { ChangeCounts, type ChangeForm, changeForm } from "./change_form.ts";
import { openSide, type Side, UNKNOWN_FIELDS } from "./diff_side.ts";
import { EXIT, UsageError } from "./exits.ts";
import { lazy } from "./lazy.ts";
import { ARCHIVE_OPTIONS } from "./open_archive.ts";
import type { Options, Values } from "./options.ts";
import { readExcludeFile, readPatterns } from "./patterns.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";

const OPTIONS = {
  content: {
    kind: "choice",
    choices: ["always", "changed", "never"],
    help:
      "read all files of one size, those whose times differ (default), none",
  },
  ignore: {
    kind: "texts",
    value: "FIELD",
    help: "do not look at it; one of those below",
  },
  exclude: {
    kind: "texts",
    value: "PATTERN",
    help: "leave out what matches, on both sides; ! before it leaves it in",
  },
  "exclude-from": {
    kind: "texts",
    value: "FILE",
    help: "patterns as in a .pxarexclude in the root; order counts",
  },
  escaped: ESCAPED,
  long: {
    kind: "flag",
    short: "l",
    help: "also what it was, and what it is now",
  },
  stat: { kind: "flag", help: "only count the differences" },
  json: JSON_FLAG,
  "all-file-systems": {
    kind: "flag",
    help: "also what is mounted below a directory",
  },
  "include-dev": {
    kind: "texts",
    value: "PATH",
    help: "also the file system that PATH lies on",
  },
  "entries-max": {
    kind: "count",
    value: "N",
    help: "most entries from the root down to any directory (1048576)",
  },
  ...ARCHIVE_OPTIONS,
  "payload-input": {
    kind: "texts",
    value: "FILE",
    help: "payload of a split archive; once for A, then for B",
  },
  quiet: QUIET,
} as const satisfies Options;

/** The command. */
export const COMMAND: Command = command({
  name: "diff",
  summary: "Show what differs between two archives, snapshots or directories",
  operands: [
    {
      name: "A",
      help: "what was: an archive (file, SNAPSHOT:NAME, -) or a directory",
    },
    { name: "B", help: "what is now, likewise" },
    {
      name: "PATTERN",
      help: "only what matches, and all that is below it",
      optional: true,
      many: true,
    },
  ],
  options: OPTIONS,
  notes:
    `A line for each difference, with the path quoted as by list: + where only B has
it, - where only A has, M and what is changed, ? where it could not be read. What
can change: content mode owner mtime xattrs acl fcaps flags project-id target
device link. A directory is taken as create would archive it. Of two snapshots
only chunks that differ are read. The exit code is 0 without differences, else 8.`,
  examples: [
    {
      run: "pxar diff etc.pxar /etc --ignore mtime",
      does: "what was changed since an archive was made",
    },
    {
      run:
        "pxar diff host/elsa/2023-11-14T22:13:20Z:root.pxar host/elsa/latest:root.pxar",
      does: "what was changed between two backups",
    },
  ],
  run: async ({ options, given, operands: [a, b, ...texts] }) => {
    const ignore = new Set(options.ignore.map(fieldOf));
    const patterns = readPatterns(texts, "include", options.escaped);
    const excluded = given.flatMap(({ name, value }) => {
      if (name === "exclude") {
        return readPatterns([value], "exclude", options.escaped);
      }
      return name === "exclude-from" ? readExcludeFile(value) : [];
    });
    if (a === "-" && b === "-") {
      throw new UsageError(
        "Cannot compare standard input with itself: expected - once",
      );
    }
    const voice = new Voice(options.quiet);
    return await interruptible(async ({ signal }) => {
      const payloads = [...options["payload-input"]];
      const open = (text: string) =>
        openSide(text, payloads, options, excluded, voice, signal);
      await using one = await open(a!);
      await using other = await open(b!);
      if (payloads.length > 0) {
        throw new UsageError(
          `Cannot use --payload-input ${
            payloads[0]
          }: expected one at most for each archive that is a file`,
        );
      }
      const isProven = options.content !== "never" &&
        one.archive?.snapshot !== undefined &&
        other.archive?.snapshot !== undefined;
      await using ours = isProven ? await contentsOf(one, signal) : undefined;
      await using theirs = isProven
        ? await contentsOf(other, signal)
        : undefined;
      if (one.archive === undefined || other.archive === undefined) {
        for (const field of UNKNOWN_FIELDS) ignore.add(field);
      }
      return await show(one, other, options, voice, {
        content: options.content,
        ignore,
        patterns,
        sameContent: ours && theirs && sameByChunks(ours, theirs, { signal }),
        signal,
      });
    });
  },
});

function fieldOf(text: string): DiffField {
  const field = DIFF_FIELDS.find((one) => one === text);
  if (field !== undefined) return field;
  throw new UsageError(
    `Cannot use --ignore ${text}: expected one of ${DIFF_FIELDS.join(", ")}`,
    { word: text, known: DIFF_FIELDS },
  );
}

/** The contents of a snapshot's archive; `undefined` for all else. */
async function contentsOf(
  { archive }: Side,
  signal: AbortSignal,
): Promise<SnapshotContents | undefined> {
  if (archive?.snapshot === undefined || archive.ref.kind === "file") {
    return undefined;
  }
  const { snapshot, ref } = archive;
  return await SnapshotContents.open(snapshot, ref.archive, { signal });
}

/** Shows the differences; gives the exit code. */
async function show(
  one: Side,
  other: Side,
  options: Values<typeof OPTIONS>,
  voice: Voice,
  how: DiffOptions,
): Promise<number> {
  const counts = new ChangeCounts();
  const form: ChangeForm = changeForm(options, () => [
    one.state.entries,
    other.state.entries,
  ], counts);
  // On a terminal, lines of the result would go into it.
  if (!Deno.stdout.isTerminal()) {
    voice.follow(() => ({
      entries: one.state.entries + other.state.entries,
      bytes: one.state.bytes + other.state.bytes,
    }));
  }
  try {
    for await (const change of diff(one.entries, other.entries, how)) {
      const unread = isUnread(change, one, other);
      counts.add(change, unread);
      form.change(change, unread);
    }
  } finally {
    voice.end();
    // What stands before damage is shown, too.
    form.end();
  }
  const lacks = [await lacking(one, voice), await lacking(other, voice)];
  const isWhole = counts.unread === 0 && !lacks.includes(true);
  if (!options.stat) voice.note(counts.sentence(isWhole));
  if (counts.all > 0) return EXIT.differs;
  return isWhole ? EXIT.done : EXIT.incomplete;
}

/** What a directory seems to lack may only be unreadable. */
function isUnread({ type, path }: Change, one: Side, other: Side): boolean {
  if (type === "changed") return false;
  return (type === "added" ? one : other).unread?.has(path) ?? false;
}

/** Says what a directory could not be asked; gives whether anything was missing. */
async function lacking(
  { report, unread }: Side,
  voice: Voice,
): Promise<boolean> {
  if (report === undefined || unread === undefined) return false;
  if (report.losses.size > 0) {
    const { lossSentences } = await lazy("./losses.ts");
    for (const sentence of lossSentences(report.losses, "compared")) {
      voice.problem(sentence);
    }
  }
  return report.errors > 0 || report.losses.size > 0 || unread.refused > 0;
}
