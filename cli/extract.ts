/**
 * `pxar extract`: an archive to a directory.
 *
 * @module
 */
import { Accessor } from "@pxar/codec/accessor";
import { decode } from "@pxar/codec/decode";
import type { Batch, Batches, Entry } from "@pxar/format/entry";
import { Report } from "@pxar/fs/report";
import { writeTree } from "@pxar/fs/write_tree";
import { PathTracker } from "@pxar/transfer/path";
import { select } from "@pxar/transfer/select";
import { type Command, command } from "./command.ts";
import { ESCAPED, JSON_FLAG, QUIET, STREAM } from "./common_options.ts";
import { EXIT, ExitError, reasonOf, UsageError } from "./exits.ts";
import { type Input, openInput } from "./input.ts";
import { openAccess } from "./open_file.ts";
import { needPayload, noContent } from "./payload_file.ts";
import { absolute, quote } from "./names.ts";
import { printJson } from "./output.ts";
import { readIncludeFile, readPatterns } from "./patterns.ts";
import { closing, jsonReport } from "./outcome.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";
import { lazy } from "./lazy.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "extract",
  summary: "Restore an archive, or a part of it, into a directory",
  operands: [
    STREAM,
    {
      name: "TARGET",
      help:
        "directory to restore into (default: the current one); - with one PATTERN: standard output",
      optional: true,
    },
    { name: "PATTERN", help: "as --pattern", optional: true, many: true },
  ],
  options: {
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
    "allow-existing-dirs": {
      kind: "flag",
      help: "use directories that exist, and give them the archive's metadata",
    },
    overwrite: { kind: "flag", help: "the three that follow" },
    "overwrite-files": { kind: "flag", help: "files may replace what exists" },
    "overwrite-symlinks": {
      kind: "flag",
      help: "symlinks may replace what exists",
    },
    "overwrite-hardlinks": {
      kind: "flag",
      help: "hardlinks may replace what exists",
    },
    strict: { kind: "flag", help: "stop at the first error" },
    "no-xattrs": {
      kind: "flag",
      help: "no extended attributes, ACLs and capabilities",
    },
    "no-acls": { kind: "flag", help: "no ACLs" },
    "no-fcaps": { kind: "flag", help: "no capabilities" },
    "no-ownership": { kind: "flag", help: "all belongs to whoever restores" },
    "no-permissions": {
      kind: "flag",
      help: "files are 0600 and directories 0700",
    },
    "no-device-nodes": { kind: "flag", help: "no block and character devices" },
    "no-fifos": { kind: "flag", help: "no fifos" },
    "no-sockets": { kind: "flag", help: "no sockets" },
    "payload-input": {
      kind: "text",
      value: "FILE",
      help:
        "payload of a split archive (default: NAME.ppxar beside NAME.mpxar)",
    },
    "prelude-target": {
      kind: "text",
      value: "FILE",
      help: "also write the archive's prelude to this file",
    },
    json: JSON_FLAG,
    quiet: QUIET,
  },
  notes:
    `An entry that cannot be restored is named on standard error, the rest goes on,
and the exit code is 3. Nothing is ever written outside of TARGET.`,
  examples: [
    {
      run: "pxar extract backup.pxar restored",
      does: "everything, into a new directory",
    },
    {
      run: "pxar extract backup.pxar - etc/fstab > fstab",
      does: "one file to standard output",
    },
  ],
  run: async ({ options, operands: [archive, target = ".", ...more] }) => {
    const texts = [...options.pattern, ...more];
    const voice = new Voice(options.quiet);
    const payload = needPayload(
      archive!,
      options["payload-input"],
      (sentence) => voice.note(sentence),
    );
    if (archive === "-" && payload === "-") {
      throw new UsageError(
        "Cannot read archive and payload from standard input: expected two places",
      );
    }
    if (target === "-") {
      if (texts.length !== 1 || options["files-from"] !== undefined) {
        throw new UsageError(
          "Cannot extract to standard output: expected one PATTERN, the path of one file",
        );
      }
      const { printFile } = await lazy("./one_file.ts");
      await printFile(archive!, payload, texts[0]!, options.escaped);
      return EXIT.done;
    }
    const patterns = readPatterns(texts, "include", options.escaped);
    if (options["files-from"] !== undefined) {
      patterns.push(...readIncludeFile(options["files-from"], options.escaped));
    }
    return await interruptible(async ({ signal }) => {
      const report = new Report(({ severity, message }) => {
        // With --strict an error is thrown, too, and said at the end.
        if (severity === "warning" || !options.strict) voice.problem(message);
      });
      const overwriteFiles = options.overwrite || options["overwrite-files"];
      const input = openInput(archive!, signal);
      const payloadInput = payload === undefined
        ? undefined
        : openInput(payload, signal);
      let batches: Batches = decode(input.source, {
        payload: payloadInput?.source,
        signal,
      });
      const prelude = options["prelude-target"];
      if (prelude !== undefined) {
        batches = takingPrelude(batches, prelude, overwriteFiles, voice);
      }
      const links = new Links(archive!, payload);
      try {
        if (patterns.length > 0 || options["files-from"] !== undefined) {
          batches = select(batches, {
            patterns,
            matchAll: false,
            ...(isAnywhere(input) && isAnywhere(payloadInput) &&
              { resolve: (position) => links.first(position) }),
            ...(!options.strict &&
              {
                onError: (path, error) =>
                  report.fail(path, error.message, error),
              }),
          });
        }
        if (payload === undefined) batches = withContents(batches);
        voice.follow(() => report);
        await writeTree(target, batches, {
          overwriteFiles,
          overwriteSymlinks: options.overwrite || options["overwrite-symlinks"],
          overwriteHardlinks: options.overwrite ||
            options["overwrite-hardlinks"],
          allowExistingDirs: options["allow-existing-dirs"],
          strict: options.strict,
          xattrs: !options["no-xattrs"],
          acls: !options["no-acls"],
          fcaps: !options["no-fcaps"],
          owners: !options["no-ownership"],
          permissions: !options["no-permissions"],
          devices: !options["no-device-nodes"],
          fifos: !options["no-fifos"],
          sockets: !options["no-sockets"],
          report,
          signal,
        });
      } finally {
        voice.end();
        await links.close();
      }
      const exit = await closing(report, voice, "restored");
      if (options.json) printJson({ target, ...await jsonReport(report) });
      return exit;
    });
  },
});

/** Whether a link's first one could be read from it. */
function isAnywhere(input: Input | undefined): boolean {
  return input === undefined || input.access !== undefined;
}

/** Finds the files that selected links lead to; opens the archive a second time when the first one is asked for. */
class Links {
  readonly #archive: string;
  readonly #payload: string | undefined;
  #accessor: Accessor | undefined;

  constructor(archive: string, payload: string | undefined) {
    this.#archive = archive;
    this.#payload = payload;
  }

  async first(position: number): Promise<Entry> {
    this.#accessor ??= await Accessor.open(openAccess(this.#archive), {
      payload: this.#payload === undefined
        ? undefined
        : openAccess(this.#payload),
    });
    const node = await this.#accessor.at(position);
    if (node.entry.kind !== "file") return node.entry;
    return { ...node.entry, content: this.#accessor.content(node) };
  }

  async close(): Promise<void> {
    await this.#accessor?.close();
  }
}

/** States that each file comes with its content. */
async function* withContents(
  batches: Batches,
): AsyncGenerator<Batch, void, void> {
  const paths = new PathTracker();
  for await (const batch of batches) {
    for (const entry of batch) {
      if (entry.kind === "end") paths.leave();
      else if (entry.kind !== "version" && entry.kind !== "prelude") {
        paths.enter(entry);
        if (entry.kind === "file" && entry.content === undefined) {
          throw noContent(absolute(quote(paths.path)));
        }
      }
    }
    yield batch;
  }
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
