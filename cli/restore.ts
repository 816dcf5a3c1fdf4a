/**
 * `pxar restore`: an archive, a disk or another file of a snapshot.
 *
 * @module
 */
import { decodeBlob, parseBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { encode } from "@pxar/codec/encode";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches } from "@pxar/format/entry";
import type { Pattern } from "@pxar/format/pattern";
import {
  CLIENT_LOG_NAME,
  MANIFEST_NAME,
  parseArchiveName,
} from "@pxar/store/archive_name";
import { readBlobFile } from "@pxar/store/checked_file";
import { manifestText } from "@pxar/store/manifest";
import {
  type GroupName,
  type SnapshotName,
  snapshotText,
} from "@pxar/store/snapshot";
import { openNative } from "@pxar/sys/native";
import { each } from "@pxar/transfer/each";
import { Progress, progress } from "@pxar/transfer/progress";
import type { OpenSnapshot } from "@pxar/transfer/open";
import { parseBackupRef } from "./archive_ref.ts";
import { type Command, command } from "./command.ts";
import {
  ESCAPED,
  JSON_FLAG,
  KEY_OPTIONS,
  NAMESPACE,
  QUIET,
  STORE_OPTIONS,
} from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { type KeyChoice, keyFor } from "./key_choice.ts";
import { OpenArchive } from "./open_archive.ts";
import { DEMANDED_MODE, openChosen } from "./open_snapshot.ts";
import type { Options, Values } from "./options.ts";
import { closing } from "./outcome.ts";
import { printBytes, printJson } from "./output.ts";
import { standardOutput } from "./outputs.ts";
import { readPatterns } from "./patterns.ts";
import { checkRates, RATE_OPTIONS } from "./rate.ts";
import { restoreBytes, type SizedBytes } from "./restore_bytes.ts";
import { Report } from "@pxar/fs/report";
import { restoreTree, selected, TREE_OPTIONS } from "./restore_tree.ts";
import { interruptible } from "./signals.ts";
import { archivesOf, expected, findFiles } from "./snapshot_archives.ts";
import { asUsage } from "./store_names.ts";
import { Voice } from "./voice.ts";

const OPTIONS = {
  ...STORE_OPTIONS,
  ns: NAMESPACE,
  ...KEY_OPTIONS,
  "crypt-mode": DEMANDED_MODE,
  ...TREE_OPTIONS,
  escaped: ESCAPED,
  "ignore-acls": { kind: "flag", help: "no ACLs" },
  "ignore-xattrs": {
    kind: "flag",
    help: "no extended attributes, ACLs and capabilities",
  },
  "ignore-ownership": {
    kind: "flag",
    help: "all belongs to whoever restores",
  },
  "ignore-permissions": {
    kind: "flag",
    help: "files are 0600 and directories 0700",
  },
  "ignore-extract-device-errors": {
    kind: "flag",
    help: "devices that cannot be made are no errors",
  },
  ...RATE_OPTIONS,
  json: JSON_FLAG,
  quiet: QUIET,
} as const satisfies Options;

/** Options that make sense for an archive only. */
const TREE_ONLY = [
  "allow-existing-dirs",
  "overwrite-symlinks",
  "overwrite-hardlinks",
  "prelude-target",
  "ignore-acls",
  "ignore-xattrs",
  "ignore-ownership",
  "ignore-permissions",
  "ignore-extract-device-errors",
] as const;

/** The command. */
export const COMMAND: Command = command({
  name: "restore",
  summary: "Restore an archive, disk or file of a snapshot",
  operands: [
    {
      name: "SNAPSHOT",
      help: "TYPE/ID/TIME; TYPE/ID or TYPE/ID/latest: the newest finished one",
    },
    {
      name: "ARCHIVE",
      help:
        "such as root.pxar, disk.img, fw.conf, index.json; may also stand behind SNAPSHOT and a colon",
      optional: true,
    },
    {
      name: "TARGET",
      help: "directory (of a .pxar), file or device; - is standard output",
      optional: true,
    },
  ],
  options: OPTIONS,
  notes:
    `ARCHIVE may be left out where the snapshot has just one .pxar; TARGET may not. An
entry that cannot be restored is named, the rest goes on, and the exit code is 3.
Nothing is ever written outside of TARGET. A file gets its name when it is whole.
To standard output, a .pxar goes as one archive (with --pattern, what it selects).
After an interruption, --allow-existing-dirs --overwrite completes what is there.`,
  examples: [
    {
      run: "pxar restore host/elsa/latest root.pxar restored",
      does: "the newest backup of a machine, into a new directory",
    },
    {
      run:
        "pxar restore vm/100/2023-11-14T22:13:20Z:drive-scsi0.img /dev/vg/disk",
      does: "a disk, onto a block device",
    },
  ],
  run: async ({ options, operands }) => {
    const voice = new Voice(options.quiet);
    const { name, archive, target } = wantedOf(operands, options.ns);
    const patterns = readPatterns(options.pattern, "include", options.escaped);
    if (target === "-" && options.json) {
      throw new UsageError(
        "Cannot use --json with -: both go to standard output, expected one",
      );
    }
    checkRates(options, voice);
    return await interruptible(async ({ signal }) => {
      await using snapshot = await openChosen(name, options, voice, signal);
      const wanted = archiveOf(snapshot, archive, target);
      if (!("time" in name)) {
        voice.note(`the newest is ${snapshotText(snapshot.snapshot)}`);
      }
      const work: Work = { options, patterns, target, voice, signal };
      if (!isTree(wanted)) return await restoreFile(snapshot, wanted, work);
      await using opened = await OpenArchive.within(snapshot, wanted, signal);
      return await restoreArchive(opened, wanted, work);
    });
  },
});

/** What is to be done, beside what with. */
interface Work {
  readonly options: Values<typeof OPTIONS>;
  readonly patterns: readonly Pattern[];
  readonly target: string;
  readonly voice: Voice;
  readonly signal: AbortSignal;
}

/** What is meant by `SNAPSHOT ARCHIVE TARGET`, `SNAPSHOT:ARCHIVE TARGET` or `SNAPSHOT TARGET`. */
function wantedOf(
  [first, second, third]: readonly string[],
  namespace: string | undefined,
): {
  readonly name: GroupName | SnapshotName;
  readonly archive: string | undefined;
  readonly target: string;
} {
  const { name, archive } = parseBackupRef(first!, namespace);
  if (second === undefined) {
    throw new UsageError(
      "Cannot restore: TARGET is missing, expected pxar restore SNAPSHOT [ARCHIVE] TARGET",
    );
  }
  if (third === undefined) return { name, archive, target: second };
  if (archive === undefined) {
    asUsage(() => parseArchiveName(second));
    return { name, archive: second, target: third };
  }
  throw new UsageError(
    `Cannot restore: both ${archive} and ${second} are named, expected one archive`,
  );
}

/** The archive that is meant where none is named: the only one. */
function archiveOf(
  snapshot: OpenSnapshot,
  named: string | undefined,
  target: string,
): string {
  if (named !== undefined) return named;
  const { trees, all } = archivesOf(snapshot);
  if (all.includes(target) || target === "index.json") {
    throw new UsageError(
      `Cannot restore ${target}: TARGET is missing, expected one behind it, or ./${target} if that is meant`,
    );
  }
  if (trees.length === 1) return trees[0]!;
  throw new UsageError(
    `Cannot tell which archive is meant: ${
      snapshotText(snapshot.snapshot)
    } has ${
      trees.length === 0 ? "no .pxar" : `${trees.length} .pxar`
    }, expected ${expected(snapshot)}`,
  );
}

function isTree(name: string): boolean {
  const { content } = parseArchiveName(name);
  return content === "pxar" || content === "metadata" || content === "payload";
}

/** A directory's worth of entries, or all of it as one archive on standard output. */
async function restoreArchive(
  opened: OpenArchive,
  name: string,
  { options, patterns, target, voice, signal }: Work,
): Promise<number> {
  const some = patterns.length > 0 ? patterns : undefined;
  if (target === "-") {
    refuse(options, TREE_ONLY, "with -: an archive goes there as it is");
    return await printArchive(opened, name, some, voice, signal);
  }
  return await restoreTree(
    opened,
    target,
    options,
    {
      patterns: some,
      write: {
        xattrs: !options["ignore-xattrs"],
        acls: !options["ignore-xattrs"] && !options["ignore-acls"] &&
          !options["ignore-permissions"],
        fcaps: !options["ignore-xattrs"],
        owners: !options["ignore-ownership"],
        permissions: !options["ignore-permissions"],
      },
      lenient: options["ignore-extract-device-errors"],
      json: options.json ? toldOf(opened.snapshot!, name) : undefined,
    },
    voice,
    signal,
  );
}

/** The bytes that are stored; those of a split archive, or of a part, are made. */
async function printArchive(
  opened: OpenArchive,
  name: string,
  patterns: readonly Pattern[] | undefined,
  voice: Voice,
  signal: AbortSignal,
): Promise<number> {
  const snapshot = opened.snapshot!, files = snapshot.resolve(name);
  if (!files.split && patterns === undefined) {
    const source = await snapshot.source(files.file.server, { signal });
    await restoreBytes(source, "-", {}, voice, signal);
    return EXIT.done;
  }
  const metadata = standardOutput(signal);
  const report = new Report(({ message }) => voice.problem(message));
  const state = new Progress();
  // Only a split archive has room for a prelude.
  let batches: Batches = each(
    opened.entries(),
    (entry) => entry.kind === "prelude" ? undefined : entry,
  );
  if (patterns !== undefined) {
    batches = selected(batches, opened, patterns, report);
  }
  voice.follow(() => state);
  try {
    await encode(progress(batches, state), { metadata }, { signal });
  } finally {
    voice.end();
  }
  return await closing(report, voice, "restored");
}

/** A disk, a catalog, or the content of one file. */
async function restoreFile(
  snapshot: OpenSnapshot,
  name: string,
  { options, patterns, target, voice, signal }: Work,
): Promise<number> {
  if (patterns.length > 0) {
    throw new UsageError(
      `Cannot use --pattern with ${name}: it is no archive, expected a .pxar`,
    );
  }
  refuse(options, TREE_ONLY, `with ${name}: it is no archive`);
  const bytes = await bytesOf(snapshot, name, options, signal);
  if (bytes !== undefined && target === "-") {
    printBytes(bytes);
    return EXIT.done;
  }
  const source = bytes === undefined
    ? await snapshot.source(serverName(snapshot, name), { signal })
    : sized(bytes);
  await restoreBytes(
    source,
    target,
    {
      overwrite: options.overwrite || options["overwrite-files"],
      holes: true,
    },
    voice,
    signal,
  );
  if (options.json) {
    printJson({ ...toldOf(snapshot, name), target, bytes: source.size });
  }
  return EXIT.done;
}

function serverName(snapshot: OpenSnapshot, name: string): string {
  findFiles(snapshot, name);
  return parseArchiveName(name).server;
}

/** What fits into memory; `undefined` for what is made of chunks. */
async function bytesOf(
  snapshot: OpenSnapshot,
  name: string,
  choice: KeyChoice,
  signal: AbortSignal,
): Promise<Bytes | undefined> {
  const { server, kind } = parseArchiveName(name);
  if (kind !== "blob") return undefined;
  if (server === MANIFEST_NAME) {
    return new TextEncoder().encode(manifestText(snapshot.manifest));
  }
  if (server !== CLIENT_LOG_NAME) {
    findFiles(snapshot, name);
    return await snapshot.blob(name, { signal });
  }
  // Listed nowhere: nothing but encryption vouches for it.
  const blob = await readBlobFile(snapshot.reader, server, { signal });
  const key = snapshot.key ??
    await keyFor(choice, parseBlob(blob).iv !== undefined);
  return await decodeBlob(blob, {
    codecs: await openCodecs(openNative()),
    key,
  });
}

function sized(bytes: Bytes): SizedBytes {
  let at = 0;
  return {
    size: bytes.length,
    read: (into) => {
      const piece = bytes.subarray(at, at + into.length);
      into.set(piece);
      at += piece.length;
      return piece.length;
    },
  };
}

function refuse(
  options: Values<typeof OPTIONS>,
  names: readonly (keyof typeof OPTIONS)[],
  why: string,
): void {
  const given = names.find((name) =>
    options[name] !== undefined && options[name] !== false
  );
  if (given !== undefined) throw new UsageError(`Cannot use --${given} ${why}`);
}

/** What JSON begins with. */
function toldOf(
  { snapshot }: OpenSnapshot,
  archive: string,
): Record<string, unknown> {
  return { ns: snapshot.namespace, snapshot: snapshotText(snapshot), archive };
}
