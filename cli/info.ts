/**
 * `pxar info`: what an archive is and what is in it, in numbers.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Batches, Content, EntryKind } from "@pxar/format/entry";
import { PathTracker } from "@pxar/transfer/path";
import { type Command, command } from "./command.ts";
import { JSON_FLAG, STREAM } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { absolute, jsonName, jsonPath, quote } from "./names.ts";
import { ARCHIVE_OPTIONS, OpenArchive } from "./open_archive.ts";
import { print, printJson } from "./output.ts";
import { sizeOf, sizeText } from "./show.ts";
import { Voice } from "./voice.ts";

/** How many of the largest files are named. */
const LARGEST = 10;
/** Longest prelude that is shown, bytes. */
const PRELUDE = 1 << 20;

/** The command. */
export const COMMAND: Command = command({
  name: "info",
  summary:
    "Show version, prelude, counts, sizes and largest files of an archive",
  operands: [STREAM],
  options: {
    json: JSON_FLAG,
    ...ARCHIVE_OPTIONS,
  },
  examples: [
    { run: "pxar info backup.pxar", does: "what is in an archive" },
    {
      run: "pxar info --json host.mpxar",
      does: "the same of a split one, for a script",
    },
  ],
  run: async ({ options, operands: [archive] }) => {
    const voice = new Voice(false);
    await using opened = await OpenArchive.open(archive!, options, voice);
    const sizes = opened.sizes();
    const found = await gather(opened.entries({ contents: false }));
    if (options.json) printJson(jsonForm(found, sizes));
    else print(textForm(found, sizes));
    return EXIT.done;
  },
});

interface File {
  readonly path: Bytes;
  readonly size: number;
}

interface Gathered {
  version: 1 | 2;
  prelude: Bytes | undefined;
  kinds: Map<EntryKind, number>;
  entries: number;
  content: number;
  depth: number;
  withAttributes: number;
  largest: File[];
}

interface Sizes {
  readonly archive: number | undefined;
  readonly payload: number | undefined;
}

async function gather(batches: Batches): Promise<Gathered> {
  const found: Gathered = {
    version: 1,
    prelude: undefined,
    kinds: new Map(),
    entries: 0,
    content: 0,
    depth: 0,
    withAttributes: 0,
    largest: [],
  };
  const paths = new PathTracker();
  for await (const batch of batches) {
    for (const entry of batch) {
      const { kind } = entry;
      if (kind === "end") paths.leave();
      else if (kind === "version") found.version = 2;
      else if (kind === "prelude") {
        found.prelude = await readSome(entry.content!);
      } else {
        paths.enter(entry);
        found.entries++;
        found.kinds.set(kind, (found.kinds.get(kind) ?? 0) + 1);
        found.depth = Math.max(found.depth, paths.depth - 1);
        if (entry.attributes !== undefined) found.withAttributes++;
        const size = sizeOf(entry);
        found.content += size;
        if (size > (found.largest.at(LARGEST - 1)?.size ?? 0)) {
          found.largest.push({ path: paths.path, size });
          found.largest.sort((a, b) => b.size - a.size);
          found.largest.length = Math.min(found.largest.length, LARGEST);
        }
      }
    }
  }
  return found;
}

function textForm(found: Gathered, sizes: Sizes): string {
  const rows: [string, string][] = [
    ["Version", found.version === 2 ? "2 (metadata of a split archive)" : "1"],
    [
      "Archive",
      sizes.archive === undefined
        ? "read from standard input"
        : both(sizes.archive),
    ],
  ];
  if (sizes.payload !== undefined) rows.push(["Payload", both(sizes.payload)]);
  if (found.prelude !== undefined) {
    rows.push(["Prelude", `"${quote(found.prelude)}"`]);
  }
  rows.push(["Entries", String(found.entries)]);
  for (const [kind, count] of found.kinds) {
    rows.push([`  ${kind}`, String(count)]);
  }
  rows.push(
    ["With xattrs, ACL, capabilities or project", String(found.withAttributes)],
    ["Deepest level", String(found.depth)],
    ["Content", both(found.content)],
  );
  const width = Math.max(...rows.map(([what]) => what.length)) + 2;
  const largest = found.largest.map(({ path, size }) =>
    `  ${String(size).padStart(14)}  ${absolute(quote(path))}\n`
  );
  return rows.map(([what, value]) => `${`${what}:`.padEnd(width)}${value}\n`)
    .join("") +
    (largest.length > 0 ? `Largest files:\n${largest.join("")}` : "");
}

function jsonForm(found: Gathered, sizes: Sizes): Record<string, unknown> {
  return {
    version: found.version,
    ...(found.prelude && jsonName("prelude", found.prelude)),
    archiveBytes: sizes.archive,
    payloadBytes: sizes.payload,
    entries: found.entries,
    kinds: Object.fromEntries(found.kinds),
    withAttributes: found.withAttributes,
    deepest: found.depth,
    contentBytes: found.content,
    largest: found.largest.map(({ path, size }) => ({
      ...jsonPath(path),
      size,
    })),
  };
}

function both(size: number): string {
  return size < 1024 ? `${size} bytes` : `${size} bytes (${sizeText(size)})`;
}

async function readSome(content: Content): Promise<Bytes> {
  const bytes = new Uint8Array(Math.min(content.size, PRELUDE));
  for (let at = 0; at < bytes.length;) {
    at += await content.read(bytes.subarray(at));
  }
  return bytes;
}
