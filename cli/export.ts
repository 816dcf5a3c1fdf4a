/**
 * `pxar export`: an archive, or a part of it, as tar or zip.
 *
 * @module
 */
import type { ByteSink } from "@pxar/codec/sink";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches, Entry } from "@pxar/format/entry";
import { type Loss, Report } from "@pxar/fs/report";
import { Progress, progress } from "@pxar/transfer/progress";
import { select } from "@pxar/transfer/select";
import { encodeTar } from "@pxar/transfer/tar_encode";
import { encodeZip } from "@pxar/transfer/zip";
import { type Command, command } from "./command.ts";
import { ESCAPED, FORCE, JSON_FLAG, QUIET, STREAM } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { lazy } from "./lazy.ts";
import { ARCHIVE_OPTIONS, OpenArchive } from "./open_archive.ts";
import type { Choice } from "./options.ts";
import { closing, jsonReport } from "./outcome.ts";
import { printJson } from "./output.ts";
import { Outputs, standardOutput } from "./outputs.ts";
import { readIncludeFile, readPatterns } from "./patterns.ts";
import { countText } from "./show.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";

/** What can be made. */
type Format = "tar" | "tar.gz" | "tar.zst" | "zip";

const FORMAT: Choice<Format> = {
  kind: "choice",
  choices: ["tar", "tar.gz", "tar.zst", "zip"],
  help: "what is made (default: from TARGET's ending)",
};
const ENDINGS: readonly (readonly [ending: string, format: Format])[] = [
  [".tar", "tar"],
  [".tar.gz", "tar.gz"],
  [".tgz", "tar.gz"],
  [".tar.zst", "tar.zst"],
  [".tzst", "tar.zst"],
  [".zip", "zip"],
];

const WHAT: { readonly [Name in Loss]?: string } = {
  sockets: "sockets",
  devices: "device nodes",
  fifos: "fifos",
  hardlinks: "further hardlinks",
  xattrs: "extended attributes, ACLs and capabilities",
  flags: "file flags (chattr, FAT)",
};

/** The command. */
export const COMMAND: Command = command({
  name: "export",
  summary: "Make a tar or zip file of an archive, or of a part of it",
  operands: [
    STREAM,
    {
      name: "TARGET",
      help: "file to be made; - is standard output, with --format",
    },
    { name: "PATTERN", help: "as --pattern", optional: true, many: true },
  ],
  options: {
    format: FORMAT,
    pattern: {
      kind: "texts",
      value: "PATTERN",
      help: "only what matches, such as etc/*.conf, or /etc/ from the root",
    },
    "files-from": {
      kind: "text",
      value: "FILE",
      help: "patterns, one a line; # begins a comment",
    },
    escaped: ESCAPED,
    store: { kind: "flag", help: "zip: do not compress contents" },
    force: FORCE,
    sync: { kind: "flag", help: "wait until the file is on the disk" },
    ...ARCHIVE_OPTIONS,
    json: JSON_FLAG,
    quiet: QUIET,
  },
  notes:
    `tar holds everything but sockets: names of any bytes, times to the nanosecond, owners
by number, extended attributes, ACLs and capabilities (tar -x --xattrs
--xattrs-include='*' --acls as root restores them), hardlinks. What only pxar import
reads back - file flags, quota projects - makes GNU tar warn of unknown keywords.
zip holds names, modes, owners, seconds and symlinks; each hardlink is a copy, which
needs the archive as a file or in a snapshot. What could not be kept is counted,
and the exit code is 3. With PATTERN the root itself is left out, so that unpacking does not
change the folder one is in.`,
  examples: [
    {
      run: "pxar export host/elsa/latest:root.pxar elsa.tar.zst",
      does: "the newest backup of a host as a compressed tar file",
    },
    {
      run: "pxar export etc.pxar - ssh --format tar | ssh elsa tar -x -C /tmp",
      does: "one folder to another machine",
    },
  ],
  run: async ({ options, operands: [archive, target, ...more] }) => {
    const format = options.format ?? formatOf(target!);
    if (options.store && format !== "zip") {
      throw new UsageError(
        `Cannot use --store with ${format}: expected --format zip`,
      );
    }
    if (target === "-" && options.json) {
      throw new UsageError(
        "Cannot use --json with -: standard output takes the file",
      );
    }
    const voice = new Voice(options.quiet);
    const patterns = readPatterns(
      [...options.pattern, ...more],
      "include",
      options.escaped,
    );
    if (options["files-from"] !== undefined) {
      patterns.push(...readIncludeFile(options["files-from"], options.escaped));
    }
    const isPart = patterns.length > 0 || options["files-from"] !== undefined;
    const outputs = new Outputs(options.force);
    return await interruptible(async ({ signal }) => {
      const report = new Report(({ message }) => voice.problem(message));
      const losses = new Map<Loss, number>();
      const state = new Progress();
      await using source = await OpenArchive.open(
        archive!,
        options,
        voice,
        signal,
      );
      try {
        const sink = target === "-"
          ? standardOutput(signal)
          : outputs.add(target!);
        const resolve = source.isAnywhere
          ? (position: number) => firstLink(source, position)
          : undefined;
        const onError = (path: Bytes, error: Error) =>
          report.fail(path, error.message, error);
        let batches: Batches = source.entries();
        if (isPart) {
          batches = select(batches, {
            patterns,
            matchAll: false,
            ...(resolve && { resolve }),
            onError,
          });
        }
        const how = {
          onError,
          onLoss: (_path: Bytes, loss: Loss) =>
            losses.set(loss, (losses.get(loss) ?? 0) + 1),
          signal,
        };
        voice.follow(() => state);
        const counted = countedSink(sink);
        const { members } = await writeFormat(
          format,
          counted,
          (sink) =>
            format === "zip"
              ? encodeZip(progress(batches, state), sink, {
                ...how,
                store: options.store,
                resolve,
              })
              : encodeTar(progress(batches, state), sink, {
                ...how,
                root: !isPart,
              }),
        );
        signal.throwIfAborted();
        outputs.finish(options.sync);
        voice.end();
        report.entries = members;
        report.bytes = state.bytes;
        const exit = await closing(report, voice, "exported");
        for (const [loss, count] of losses) {
          voice.problem(
            `Cannot keep ${WHAT[loss]} of ${countText(count)} ${
              count === 1 ? "entry" : "entries"
            }: ${format} has no place for them`,
          );
        }
        if (options.json) {
          printJson({
            target,
            format,
            size: counted.size,
            ...await jsonReport(report),
            losses: Object.fromEntries(losses),
          });
        }
        return exit === EXIT.done && losses.size > 0 ? EXIT.incomplete : exit;
      } finally {
        voice.end();
        outputs.discard();
      }
    }, () => outputs.discard());
  },
});

function formatOf(target: string): Format {
  const format = ENDINGS.find(([ending]) =>
    target.toLowerCase().endsWith(ending)
  )?.[1];
  if (format !== undefined) return format;
  throw new UsageError(
    `Cannot tell what to make of ${target}: expected a name that ends with ${
      ENDINGS.map(([ending]) => ending).join(", ")
    }, or --format`,
  );
}

/** Encodes into a sink, compressed where the format says so. */
async function writeFormat<Made>(
  format: Format,
  sink: ByteSink,
  encode: (sink: ByteSink) => Promise<Made>,
): Promise<Made> {
  if (format === "tar" || format === "zip") return await encode(sink);
  const { compressing } = await lazy("./compression.ts");
  const packed = compressing(sink, format === "tar.gz" ? "gzip" : "zstd");
  let made: Made;
  try {
    made = await encode(packed);
    await packed.finish();
  } catch (error) {
    await packed.discard();
    throw error;
  }
  return made;
}

interface CountedSink extends ByteSink {
  /** How many bytes it has taken. */
  readonly size: number;
}

function countedSink(sink: ByteSink): CountedSink {
  let size = 0;
  return {
    get size() {
      return size;
    },
    write(piece) {
      size += piece.length;
      return sink.write(piece);
    },
  };
}

/** The first of several links, with its content. */
async function firstLink(
  source: OpenArchive,
  position: number,
): Promise<Entry> {
  const accessor = await source.accessor();
  const node = await accessor.at(position);
  if (node.entry.kind !== "file") return node.entry;
  return { ...node.entry, content: accessor.content(node) };
}
