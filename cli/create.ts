/**
 * `pxar create`: a directory to an archive.
 *
 * @module
 */
import { encode } from "@pxar/codec/encode";
import type { ByteSink, PayloadSink } from "@pxar/codec/sink";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches, Entry } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { parsePattern, type Pattern } from "@pxar/format/pattern";
import { readTree } from "@pxar/fs/read_tree";
import { Report } from "@pxar/fs/report";
import { each } from "@pxar/transfer/each";
import { type Command, command } from "./command.ts";
import { ESCAPED, JSON_FLAG, QUIET } from "./common_options.ts";
import { EXIT, ExitError, reasonOf, UsageError } from "./exits.ts";
import { Outputs, standardOutput } from "./outputs.ts";
import { printJson } from "./output.ts";
import { readExcludeFile, readPatterns } from "./patterns.ts";
import { closing, jsonReport } from "./outcome.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";

const ENCODER = new TextEncoder();

/** The command. */
export const COMMAND: Command = command({
  name: "create",
  summary: "Archive a directory",
  operands: [
    { name: "ARCHIVE", help: "file to be made; - is standard output" },
    { name: "SOURCE", help: "directory to be archived" },
  ],
  options: {
    "payload-output": {
      kind: "text",
      value: "FILE",
      help: "make a split archive: contents go to this file",
    },
    exclude: {
      kind: "texts",
      value: "PATTERN",
      help: "leave out what matches; ! before it leaves it in",
    },
    "exclude-from": {
      kind: "texts",
      value: "FILE",
      help: "patterns as in a .pxarexclude of SOURCE; order counts",
    },
    escaped: ESCAPED,
    "all-file-systems": {
      kind: "flag",
      help: "also what is mounted below SOURCE",
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
    "skip-e2big-xattr": {
      kind: "flag",
      help: "leave out extended attributes that are too large",
    },
    "skip-lost-and-found": { kind: "flag", help: "leave out lost+found" },
    "no-xattrs": {
      kind: "flag",
      help: "no extended attributes, ACLs and capabilities",
    },
    "no-acls": { kind: "flag", help: "no ACLs" },
    "no-fcaps": { kind: "flag", help: "no capabilities" },
    "no-device-nodes": { kind: "flag", help: "no block and character devices" },
    "no-fifos": { kind: "flag", help: "no fifos" },
    "no-sockets": { kind: "flag", help: "no sockets" },
    strict: {
      kind: "flag",
      help: "stop at the first entry that cannot be archived as it is",
    },
    force: { kind: "flag", help: "replace files that exist" },
    sync: { kind: "flag", help: "wait until the archive is on the disk" },
    json: JSON_FLAG,
    quiet: QUIET,
  },
  notes:
    `What vanishes, cannot be read or changes meanwhile is named on standard error and
does not change the exit code; --strict makes it an error. The archive gets its
name when it is complete: until then it is .NAME....partial beside it, and it
never holds itself.`,
  examples: [
    {
      run: "pxar create etc.pxar /etc --exclude '*.bak'",
      does: "one file, without backups of editors",
    },
    {
      run: "pxar create home.mpxar /home --payload-output home.ppxar",
      does:
        "a split archive: names and metadata in one file, contents in the other",
    },
  ],
  run: async ({ options, given, operands: [archive, source] }) => {
    const payload = options["payload-output"];
    if (payload === archive) {
      throw new UsageError(
        `Cannot write archive and payload to ${archive}: expected two places`,
      );
    }
    if (options.json && (archive === "-" || payload === "-")) {
      throw new UsageError(
        "Cannot use --json with -: standard output takes the archive",
      );
    }
    const patterns: Pattern[] = given.flatMap(({ name, value }) => {
      if (name === "exclude") {
        return readPatterns([value], "exclude", options.escaped);
      }
      return name === "exclude-from" ? readExcludeFile(value) : [];
    });
    if (options["skip-lost-and-found"]) {
      patterns.push(parsePattern("lost+found"));
    }
    checkSource(source!);

    const voice = new Voice(options.quiet);
    const outputs = new Outputs(options.force);
    return await interruptible(async (control) => {
      const { signal } = control;
      const report = new Report(({ message }) => {
        if (options.strict) control.abort(new ExitError(EXIT.failed, message));
        else voice.problem(message);
      });
      const place = (path: string): ByteSink =>
        path === "-" ? standardOutput(signal) : outputs.add(path);
      try {
        const sinks = {
          metadata: place(archive!),
          payload: payload === undefined
            ? undefined
            : payloadOnly(place(payload)),
        };
        const { "entries-max": entriesMax } = options;
        const tree = readTree(source!, {
          patterns,
          without: within(source!, outputs),
          prelude: payload !== undefined,
          allFileSystems: options["all-file-systems"],
          includeDev: options["include-dev"],
          ...(entriesMax !== undefined && { entriesMax }),
          skipE2bigXattr: options["skip-e2big-xattr"],
          xattrs: !options["no-xattrs"],
          acls: !options["no-acls"],
          fcaps: !options["no-fcaps"],
          report,
          signal,
        });
        const kinds = new Set<Entry["kind"]>();
        if (options["no-device-nodes"]) kinds.add("device");
        if (options["no-fifos"]) kinds.add("fifo");
        if (options["no-sockets"]) kinds.add("socket");
        voice.follow(() => report);
        const made = await encode(withoutKinds(tree, kinds), sinks, { signal });
        signal.throwIfAborted();
        outputs.finish(options.sync);
        voice.end();
        const exit = await closing(report, voice, "archived");
        if (options.json) {
          printJson({
            archive,
            payload,
            archiveBytes: made.metadata,
            payloadBytes: made.payload,
            ...await jsonReport(report),
            entries: made.entries,
          });
        }
        return exit;
      } catch (error) {
        // No archive is damaged: there is something that none can hold.
        throw error instanceof FormatError
          ? new ExitError(EXIT.failed, error.message)
          : error;
      } finally {
        voice.end();
        outputs.discard();
      }
    }, () => outputs.discard());
  },
});

/** Before anything is made, so that a wrong word leaves nothing behind. */
function checkSource(source: string): void {
  let stat: Deno.FileInfo;
  try {
    stat = Deno.statSync(source);
  } catch (error) {
    throw new ExitError(
      EXIT.failed,
      `Cannot archive ${source}: ${reasonOf(error)}`,
      { cause: error },
    );
  }
  if (!stat.isDirectory) {
    throw new ExitError(
      EXIT.failed,
      `Cannot archive ${source}: expected a directory`,
    );
  }
}

function payloadOnly(sink: ByteSink): PayloadSink {
  return {
    write: (part) => "bytes" in part ? sink.write(part.bytes) : undefined,
  };
}

/** The paths, from the root of the source, of outputs that lie in it. By name: an output reached through a bind mount is not recognized. */
function within(source: string, outputs: Outputs): Bytes[] {
  const root = Deno.realPathSync(source).replace(/[\\/]$/, "");
  return outputs.paths.flatMap(({ folder, names }) => {
    const real = Deno.realPathSync(folder === "" ? "." : folder);
    if (
      real !== root &&
      !(real.startsWith(root) && /^[\\/]/.test(real.slice(root.length)))
    ) return [];
    const below = real.slice(root.length + 1).replaceAll("\\", "/");
    return names.map((name) =>
      ENCODER.encode(below === "" ? name : `${below}/${name}`)
    );
  });
}

function withoutKinds(
  batches: Batches,
  kinds: ReadonlySet<Entry["kind"]>,
): Batches {
  if (kinds.size === 0) return batches;
  return each(batches, (entry) => kinds.has(entry.kind) ? undefined : entry);
}
