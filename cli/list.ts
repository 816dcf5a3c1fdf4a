/**
 * `pxar list`: a whole archive, as the official tool shows it.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import type { Batches, Entry } from "@pxar/format/entry";
import { compareNames } from "@pxar/format/name";
import { PathTracker } from "@pxar/transfer/path";
import { type Command, command } from "./command.ts";
import { ESCAPED, JSON_FLAG, LONG, STREAM } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { absolute, argumentBytes, plainPath, quote } from "./names.ts";
import { ARCHIVE_OPTIONS, OpenArchive } from "./open_archive.ts";
import { JsonArray, Lines } from "./output.ts";
import { longText, sizeOf } from "./show.ts";
import { lazy } from "./lazy.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "list",
  summary: "List a whole archive, in its order, as quoted paths",
  operands: [STREAM, {
    name: "PATH",
    help: "only this entry and what is below it",
    optional: true,
  }],
  options: {
    long: LONG,
    json: JSON_FLAG,
    escaped: ESCAPED,
    ...ARCHIVE_OPTIONS,
  },
  notes:
    `Paths are quoted so that any name is one line of plain text: \\n, \\", \\xFF
for a byte that is not UTF-8, \\u{301} for a letter that cannot stand alone.
The long form has the mode, + for an ACL, + for extended attributes, owner and
group, local time (TZ), size or device numbers, and in a split archive @ and
the position of the content. Contents are not needed: neither is the payload.`,
  examples: [
    { run: "pxar list backup.pxar", does: "every path of an archive" },
    {
      run: "pxar list -l backup.pxar /etc/ssl",
      does: "everything below one directory, long",
    },
  ],
  run: async ({ options, operands: [archive, below] }) => {
    const only = below === undefined
      ? NO_BYTES
      : plainPath(argumentBytes(below, options.escaped));
    const voice = new Voice(false);
    await using opened = await OpenArchive.open(archive!, options, voice);
    const batches = opened.entries({ contents: false });
    const show = options.json
      ? await jsonForm()
      : options.long
      ? longForm()
      : shortForm();
    let found = true;
    try {
      found = await walk(batches, only, show.entry);
    } finally {
      // What stands before damage is shown, too.
      if (found) show.end();
    }
    if (found) return EXIT.done;
    const { notFound } = await lazy("./look.ts");
    throw notFound(only);
  },
});

interface Form {
  readonly entry: (entry: Entry, path: Bytes) => void;
  readonly end: () => void;
}

/** Shows the entry at a path and all that is below it. */
async function walk(
  batches: Batches,
  only: Bytes,
  show: (entry: Entry, path: Bytes) => void,
): Promise<boolean> {
  const paths = new PathTracker();
  // Depth of the directory that is shown, while it is open.
  let inside = 0;
  for await (const batch of batches) {
    for (const entry of batch) {
      if (entry.kind === "end") {
        paths.leave();
        if (paths.depth < inside) return true;
      } else if (entry.kind !== "version" && entry.kind !== "prelude") {
        paths.enter(entry);
        const { path } = paths;
        if (inside === 0) {
          if (compareNames(path, only) !== 0) continue;
          if (entry.kind === "directory") inside = paths.depth;
        }
        show(entry, path);
        if (inside === 0) return true;
      }
    }
  }
  return inside > 0;
}

function shortForm(): Form {
  const lines = new Lines();
  return {
    entry: (_, path) => lines.line(absolute(quote(path))),
    end: () => lines.end(),
  };
}

function longForm(): Form {
  const lines = new Lines();
  return {
    entry: (entry, path) => {
      const target = entry.target === undefined
        ? ""
        : ` -> "${quote(entry.target)}"`;
      const payload = entry.payload === undefined
        ? ""
        : ` @${entry.payload.offset}`;
      lines.line(
        `${longText(entry, sizeOf(entry))} ${
          absolute(quote(path))
        }${target}${payload}`,
      );
    },
    end: () => lines.end(),
  };
}

async function jsonForm(): Promise<Form> {
  const { jsonEntry } = await lazy("./json_entry.ts");
  const array = new JsonArray();
  return {
    entry: (entry, path) => array.add(jsonEntry(entry, path, sizeOf(entry))),
    end: () => array.end(),
  };
}
