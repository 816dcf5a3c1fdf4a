/**
 * `pxar backup`: directories, disks and files into a new snapshot.
 *
 * @module
 */
import { parsePattern, type Pattern } from "@pxar/format/pattern";
import { mostHeld, readTree } from "@pxar/fs/read_tree";
import { Report } from "@pxar/fs/report";
import { parseAuthId } from "@pxar/store/auth_id";
import { checkBackupTime } from "@pxar/store/backup_time";
import { CRYPT_MODES } from "@pxar/store/manifest";
import {
  BACKUP_TYPES,
  type GroupName,
  parseBackupId,
} from "@pxar/store/snapshot";
import { openNative } from "@pxar/sys/native";
import {
  backup,
  type BackupProgress,
  type BackupSource,
  CHANGE_DETECTIONS,
} from "@pxar/transfer/backup";
import {
  backupSpecs,
  openSource,
  readFiles,
  withoutStore,
} from "./backup_source.ts";
import { printSummary } from "./backup_summary.ts";
import { type Command, command } from "./command.ts";
import {
  ESCAPED,
  JSON_FLAG,
  KEY_OPTIONS,
  NAMESPACE,
  QUIET,
  STORE_OPTIONS,
} from "./common_options.ts";
import { cryptOf } from "./crypt_choice.ts";
import { EXIT, ExitError, UsageError } from "./exits.ts";
import { openStore, viewStore } from "./open_store.ts";
import type { Options } from "./options.ts";
import { closing } from "./outcome.ts";
import { readExcludeFile, readPatterns } from "./patterns.ts";
import { checkRates, RATE_OPTIONS } from "./rate.ts";
import { countText, sizeText } from "./show.ts";
import { interruptible } from "./signals.ts";
import { asUsage, namespaceOf } from "./store_names.ts";
import { Voice } from "./voice.ts";

const OPTIONS = {
  ...STORE_OPTIONS,
  ns: NAMESPACE,
  "backup-type": {
    kind: "choice",
    choices: BACKUP_TYPES,
    help: "what is backed up (default: host)",
  },
  "backup-id": {
    kind: "text",
    value: "ID",
    help: "which one (default: this machine's name)",
  },
  "backup-time": {
    kind: "count",
    value: "SECONDS",
    help: "when, since 1970 (default: now)",
  },
  owner: {
    kind: "text",
    value: "AUTHID",
    help: "who makes it (default: the group's owner, else root@pam)",
  },
  "change-detection-mode": {
    kind: "choice",
    choices: CHANGE_DETECTIONS,
    help: "how changes are found, see below (default: legacy)",
  },
  "chunk-size": {
    kind: "count",
    value: "KIB",
    help: "average size of chunks, of a disk the size: 64 to 4096 (4096)",
  },
  exclude: {
    kind: "texts",
    value: "PATTERN",
    help: "leave out what matches; ! before it leaves it in",
  },
  "exclude-from": {
    kind: "texts",
    value: "FILE",
    help: "patterns as in a .pxarexclude of the source; order counts",
  },
  escaped: ESCAPED,
  "include-dev": {
    kind: "texts",
    value: "PATH",
    help: "also the file system that PATH lies on",
  },
  "all-file-systems": {
    kind: "flag",
    help: "also what is mounted below a source",
  },
  "skip-lost-and-found": { kind: "flag", help: "leave out lost+found" },
  "skip-e2big-xattr": {
    kind: "flag",
    help: "leave out extended attributes that are too large",
  },
  "entries-max": {
    kind: "count",
    value: "N",
    help: "most entries from the root down to any directory (1048576)",
  },
  ...KEY_OPTIONS,
  "master-pubkey-file": {
    kind: "text",
    value: "FILE",
    help: "also keep the key, locked with this master key",
  },
  "master-pubkey-fd": {
    kind: "count",
    value: "FD",
    help: "the same, read from an open descriptor",
  },
  "crypt-mode": {
    kind: "choice",
    choices: CRYPT_MODES,
    help: "what the key does (default: encrypt where there is a key)",
  },
  ...RATE_OPTIONS,
  "dry-run": {
    kind: "flag",
    help: "only tell what would be read; nothing is written",
  },
  strict: {
    kind: "flag",
    help: "stop at the first entry that cannot be archived as it is",
  },
  json: JSON_FLAG,
  quiet: QUIET,
} as const satisfies Options;

/** How many entries are looked ahead of where that many files may be open: more than are in most chunks. */
const AHEAD = 4_096;
/** How many files the rest of the program may have open. */
const OTHER_FILES = 400;
/** How many entries are read at once. */
const BATCH = 64;

/** The command. */
export const COMMAND: Command = command({
  name: "backup",
  summary: "Back up directories, disks and files",
  operands: [{
    name: "SPEC",
    help: "NAME.pxar:DIRECTORY, NAME.img:DISK, NAME.conf:FILE or NAME.log:FILE",
    many: true,
  }],
  options: OPTIONS,
  notes:
    `What vanishes, cannot be read or changes meanwhile is named on standard error and
does not change the exit code; --strict makes it an error. What cannot be known
here, for want of permissions or of the system, makes it 3. A snapshot that is
interrupted never happened; what was stored of it speeds up the next run.

Change detection:
  legacy    everything is read, into one archive, with a catalog beside it
  data      everything is read, into a split archive
  metadata  as data; files whose metadata is that of the snapshot before, size
            and time included, are not read`,
  examples: [
    {
      run:
        "pxar backup root.pxar:/ boot.img:/dev/sda1 --change-detection-mode metadata",
      does: "a machine; the next run reads only files that changed",
    },
    {
      run:
        "pxar backup etc.pxar:/etc fstab.conf:/etc/fstab --keyfile key.json --ns office",
      does: "a directory and a file, encrypted, into a namespace",
    },
  ],
  run: async ({ options, given, operands }) => {
    const specs = backupSpecs(operands);
    const patterns: Pattern[] = given.flatMap(({ name, value }) => {
      if (name === "exclude") {
        return readPatterns([value], "exclude", options.escaped);
      }
      return name === "exclude-from" ? readExcludeFile(value) : [];
    });
    if (options["skip-lost-and-found"]) {
      patterns.push(parsePattern("lost+found"));
    }
    const chunkSize = chunkSizeOf(options["chunk-size"]);
    const { "entries-max": entriesMax } = options;
    if (entriesMax === 0) {
      throw new UsageError("Cannot use --entries-max 0: expected 1 or more");
    }
    const namespace = namespaceOf(options.ns);
    const type = options["backup-type"] ?? "host";
    const id = asUsage(() => parseBackupId(options["backup-id"] ?? hostName()));
    const group: GroupName = { namespace, type, id };
    const { owner } = options;
    if (owner !== undefined) asUsage(() => parseAuthId(owner));
    const time = options["backup-time"];
    if (time !== undefined) asUsage(() => checkBackupTime(time));
    const crypt = await cryptOf(options);
    // Before Ctrl-C has to wait for its turn: a pipe may never end.
    const files = readFiles(specs);
    const voice = new Voice(options.quiet), dryRun = options["dry-run"];
    checkRates(options, voice);
    const store = dryRun
      ? await viewStore(options)
      : await openStore(options, voice, { create: true });

    return await interruptible(async (control) => {
      const { signal } = control;
      const report = new Report(({ message }) => {
        if (options.strict) control.abort(new ExitError(EXIT.failed, message));
        else voice.problem(message);
      });
      const closers: (() => void)[] = [];
      const sources: BackupSource[] = specs.map((spec, i) => {
        const without = spec.type === "pxar"
          ? withoutStore(spec.source, store.location)
          : [];
        if (without.length > 0) {
          voice.note(`${spec.source} is read without the store in it`);
        }
        const { source, close } = openSource(
          spec,
          files[i],
          (path, how) =>
            readTree(path, {
              ...how,
              patterns,
              without,
              allFileSystems: options["all-file-systems"],
              includeDev: options["include-dev"],
              ...(entriesMax !== undefined && { entriesMax }),
              skipE2bigXattr: options["skip-e2big-xattr"],
              report,
            }),
          signal,
        );
        closers.push(close);
        return source;
      });
      let state: BackupProgress | undefined;
      voice.watch(() => state === undefined ? "" : progressLine(state));
      try {
        const summary = await backup(store, sources, {
          ...group,
          ...crypt,
          owner: owner ?? store.tree.owner(group),
          time,
          mode: options["change-detection-mode"],
          ahead: lookAhead(),
          chunkSize,
          native: openNative(),
          dryRun,
          onProgress: (progress) => state = progress,
          onNote: (sentence) => voice.problem(sentence),
          signal,
        });
        voice.end();
        const exit = await closing(report, voice, "archived");
        await printSummary(summary, {
          report,
          store: store.location,
          dryRun,
          json: options.json,
          voice,
        });
        return exit;
      } catch (error) {
        if (error instanceof RangeError) {
          throw new ExitError(EXIT.failed, error.message, { cause: error });
        }
        throw error;
      } finally {
        voice.end();
        for (const close of closers) close();
      }
    });
  },
});

function progressLine({ archive, progress, reused }: BackupProgress): string {
  const parts = [
    `${countText(progress.entries)} entries`,
    `${sizeText(progress.bytes)} read`,
  ];
  if (reused.bytes > 0) parts.push(`${sizeText(reused.bytes)} unread`);
  return `${archive}: ${parts.join(", ")}`;
}

/** Bytes. Source: protocol spec F.4. */
function chunkSizeOf(kib: number | undefined): number | undefined {
  if (kib === undefined) return undefined;
  if (kib >= 64 && kib <= 4096 && Number.isInteger(Math.log2(kib))) {
    return kib << 10;
  }
  throw new UsageError(
    `Cannot use --chunk-size ${kib}: expected a power of two from 64 to 4096`,
  );
}

/** How many files may be open at once for the sake of `metadata`; undefined where nothing is known of that. */
function lookAhead(): number | undefined {
  const most = mostHeld();
  if (most === 0) return undefined;
  const room = most - OTHER_FILES;
  // Fewer than are in a batch are not worth it.
  return room < BATCH ? 0 : Math.min(AHEAD, room);
}

/** This machine's name. */
function hostName(): string {
  try {
    return Deno.hostname();
  } catch (cause) {
    throw new ExitError(
      EXIT.failed,
      "Cannot tell this machine's name: it may not be asked for, expected --backup-id, or --allow-sys=hostname",
      { cause },
    );
  }
}
