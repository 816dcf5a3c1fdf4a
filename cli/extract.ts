/**
 * `pxar extract`: an archive to a directory.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import { ESCAPED, JSON_FLAG, QUIET, STREAM } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { lazy } from "./lazy.ts";
import { ARCHIVE_OPTIONS, OpenArchive } from "./open_archive.ts";
import { readIncludeFile, readPatterns } from "./patterns.ts";
import { restoreTree, TREE_OPTIONS } from "./restore_tree.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";

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
    ...TREE_OPTIONS,
    "files-from": {
      kind: "text",
      value: "FILE",
      help: "patterns, one a line; # begins a comment",
    },
    escaped: ESCAPED,
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
    ...ARCHIVE_OPTIONS,
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
    const from = options["files-from"];
    const voice = new Voice(options.quiet);
    if (target === "-" && (texts.length !== 1 || from !== undefined)) {
      throw new UsageError(
        "Cannot extract to standard output: expected one PATTERN, the path of one file",
      );
    }
    const patterns = readPatterns(texts, "include", options.escaped);
    if (from !== undefined) {
      patterns.push(...readIncludeFile(from, options.escaped));
    }
    return await interruptible(async ({ signal }) => {
      await using opened = await OpenArchive.open(
        archive!,
        options,
        voice,
        signal,
      );
      if (target === "-") {
        const { printFile } = await lazy("./one_file.ts");
        await printFile(opened, texts[0]!, options.escaped);
        return EXIT.done;
      }
      const isWhole = texts.length === 0 && from === undefined;
      return await restoreTree(
        opened,
        target,
        options,
        {
          patterns: isWhole ? undefined : patterns,
          write: {
            strict: options.strict,
            xattrs: !options["no-xattrs"],
            acls: !options["no-acls"] && !options["no-permissions"],
            fcaps: !options["no-fcaps"],
            owners: !options["no-ownership"],
            permissions: !options["no-permissions"],
            devices: !options["no-device-nodes"],
            fifos: !options["no-fifos"],
            sockets: !options["no-sockets"],
          },
          json: options.json ? {} : undefined,
        },
        voice,
        signal,
      );
    });
  },
});
