/**
 * Where an archive that a command makes goes to: one file, the two of a split archive, standard output, or a new snapshot.
 *
 * @module
 */
import { encode } from "@pxar/codec/encode";
import type { PayloadSink } from "@pxar/codec/sink";
import type { Batch, Batches } from "@pxar/format/entry";
import { parseArchiveName } from "@pxar/store/archive_name";
import type { CryptMode } from "@pxar/store/manifest";
import {
  type GroupName,
  type SnapshotName,
  snapshotText,
} from "@pxar/store/snapshot";
import type { BackupSummary } from "@pxar/transfer/backup";
import { convert } from "@pxar/transfer/convert";
import { PathTracker } from "@pxar/transfer/path";
import { Progress, progress } from "@pxar/transfer/progress";
import { parseArchiveRef } from "./archive_ref.ts";
import {
  FORCE,
  KEY_OPTIONS,
  NAMESPACE,
  STORE_OPTIONS,
} from "./common_options.ts";
import { EXIT, ExitError, UsageError } from "./exits.ts";
import type { KeyChoice } from "./key_choice.ts";
import { lazy } from "./lazy.ts";
import { absolute, quote } from "./names.ts";
import type { StoreChoice } from "./open_store.ts";
import type { Choice, Flag, Operand, Text } from "./options.ts";
import { printJson } from "./output.ts";
import { Outputs, standardOutput } from "./outputs.ts";
import { noContent } from "./payload_file.ts";
import { asUsage } from "./store_names.ts";
import type { Voice } from "./voice.ts";

/** Values of the options that say how a target is made. */
export interface TargetChoice extends StoreChoice, KeyChoice {
  /** Namespace as it was typed, if it was. */
  readonly ns: string | undefined;
  /** Where contents go, if it was typed. */
  readonly "payload-output": string | undefined;
  /** Whether files may be replaced. */
  readonly force: boolean;
  /** Whether files must be on the disk before it ends. */
  readonly sync: boolean;
  /** How a snapshot is protected, if it was typed. */
  readonly "crypt-mode": CryptMode | undefined;
  /** Whether a snapshot's archive is split, if it was typed. */
  readonly "change-detection-mode": "legacy" | "data" | undefined;
}

/** The operand. */
export const TARGET: Operand = {
  name: "TARGET",
  help:
    "x.pxar, x.mpxar (split, with x.ppxar), -, or a new snapshot's TYPE/ID[/TIME]:NAME.pxar",
};

/** Whether and how a snapshot's data is encrypted. */
const CRYPT_MODE: Choice<CryptMode> = {
  kind: "choice",
  choices: ["none", "encrypt", "sign-only"],
  help: "how a snapshot is protected (default: encrypt where there is a key)",
};

/** What every command that makes an archive takes. */
export const TARGET_OPTIONS: {
  readonly "payload-output": Text;
  readonly force: Flag;
  readonly sync: Flag;
  readonly repository: Text;
  readonly "store-name": Text;
  readonly ns: Text;
  readonly keyfile: typeof KEY_OPTIONS.keyfile;
  readonly keyfd: typeof KEY_OPTIONS.keyfd;
  readonly "crypt-mode": Choice<CryptMode>;
  readonly "change-detection-mode": Choice<"legacy" | "data">;
} = {
  "payload-output": {
    kind: "text",
    value: "FILE",
    help:
      "make a split archive: contents go here (default: x.ppxar beside x.mpxar)",
  },
  force: FORCE,
  sync: { kind: "flag", help: "wait until a file is on the disk" },
  ...STORE_OPTIONS,
  ns: NAMESPACE,
  ...KEY_OPTIONS,
  "crypt-mode": CRYPT_MODE,
  "change-detection-mode": {
    kind: "choice",
    choices: ["legacy", "data"],
    help: "data makes a snapshot's archive a split one (default: legacy)",
  },
};

/** Files that are to be made. */
export interface FileTarget {
  /** Tells it from a snapshot. */
  readonly kind: "file";
  /** As it was typed. */
  readonly text: string;
  /** Where contents go; `undefined` where the archive is not split. */
  readonly payload: string | undefined;
}

/** A snapshot that is to be made. */
export interface SnapshotTarget {
  /** Tells it from a file. */
  readonly kind: "snapshot";
  /** As it was typed. */
  readonly text: string;
  /** Whether the archive is split: with `data`. */
  readonly mode: "legacy" | "data";
  /** Its group, or all of its name. */
  readonly name: GroupName | SnapshotName;
  /** Such as `root.pxar`. */
  readonly archive: string;
}

/** A target as it was understood. */
export type Target = FileTarget | SnapshotTarget;

/** What was made. */
export interface TargetSummary {
  /** As it was typed. */
  readonly target: string;
  /** Where contents went, of a split archive in files. */
  readonly payload: string | undefined;
  /** Length of the archive, or of the metadata of a split one, bytes; of a file. */
  readonly archiveBytes: number | undefined;
  /** Length of the payload of a split archive, bytes; of a file. */
  readonly payloadBytes: number | undefined;
  /** Nodes in it, the root included. */
  readonly entries: number;
  /** Bytes of files' contents that were read. */
  readonly bytes: number;
  /** What came of a snapshot. */
  readonly backup: BackupSummary | undefined;
}

/**
 * Understands a target, before anything is opened.
 *
 * @param text As it was typed.
 * @param choice What else the command line says.
 * @param json Whether standard output is wanted for a result.
 * @returns What is to be made.
 * @throws {UsageError} If it is none, or an option does not go with it.
 */
export function parseTarget(
  text: string,
  choice: TargetChoice,
  json = false,
): Target {
  const ref = parseArchiveRef(text, choice.ns);
  const payload = choice["payload-output"];
  if (json && (text === "-" || payload === "-")) {
    throw new UsageError(
      "Cannot use --json with -: standard output takes the archive",
    );
  }
  if (ref.kind === "file") {
    for (const name of ["crypt-mode", "change-detection-mode"] as const) {
      if (choice[name] !== undefined) {
        throw new UsageError(
          `Cannot use --${name} with ${text}: it is a file, expected a snapshot's TYPE/ID:NAME.pxar`,
        );
      }
    }
    if (payload === text) {
      throw new UsageError(
        `Cannot write archive and payload to ${text}: expected two places`,
      );
    }
    return { kind: "file", text, payload: payload ?? besides(text) };
  }
  const told = payload !== undefined
    ? "payload-output"
    : choice.force
    ? "force"
    : choice.sync
    ? "sync"
    : undefined;
  if (told !== undefined) {
    throw new UsageError(
      `Cannot use --${told} with ${text}: it is a snapshot's, expected a file`,
    );
  }
  if (/^[^:]*\/latest:/.test(text)) {
    throw new UsageError(
      `Cannot make ${text}: the newest snapshot is finished, expected a new one, such as TYPE/ID:NAME.pxar`,
    );
  }
  const name = asUsage(() => parseArchiveName(ref.archive));
  if (name.content !== "pxar") {
    throw new UsageError(
      `Cannot make ${text}: ${ref.archive} is no archive's name, expected NAME.pxar${
        name.content === "metadata" || name.content === "payload"
          ? " (--change-detection-mode data splits it)"
          : ""
      }`,
    );
  }
  return {
    kind: "snapshot",
    text,
    mode: choice["change-detection-mode"] ?? "legacy",
    name: ref.name,
    archive: name.client,
  };
}

/**
 * What the command line says of archives that are read: `--crypt-mode` is about the one that is made.
 *
 * @param choice All of it.
 */
export function readChoice<C extends TargetChoice>(
  choice: C,
): Omit<C, "crypt-mode"> {
  return { ...choice, "crypt-mode": undefined };
}

/**
 * Whether an archive is to be split.
 *
 * @param target What is to be made.
 */
export function isSplit(target: Target): boolean {
  return target.kind === "file"
    ? target.payload !== undefined
    : target.mode === "data";
}

/**
 * Makes an archive. It appears whole, or not at all; progress is drawn meanwhile.
 *
 * @param text Where it goes, as it was typed.
 * @param entries Gives its entries once; ends with the signal. Told whether the archive is split; where it is not, a prelude becomes a file.
 * @param choice What else the command line says.
 * @param voice Draws progress, says what is of interest.
 * @param signal Ends it.
 * @returns How much was written.
 * @throws {UsageError} If it is no target, or an option does not go with it.
 * @throws {ExitError} If it exists, or cannot be written.
 */
export async function writeTarget(
  text: string,
  entries: (signal: AbortSignal, split: boolean) => Batches,
  choice: TargetChoice,
  voice: Voice,
  signal: AbortSignal,
): Promise<TargetSummary> {
  const target = parseTarget(text, choice);
  const state = new Progress();
  const split = isSplit(target);
  const batches = (): Batches => {
    const all = withContents(entries(signal, split));
    const fit = split ? all : convert(all, {
      split,
      owner: { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 },
      onNote: (sentence) => voice.note(sentence),
    });
    return progress(fit, state);
  };
  const snapshot = async (
    target: SnapshotTarget,
    batches: Batches,
  ): Promise<TargetSummary> => {
    const { writeSnapshot } = await lazy("./snapshot_target.ts");
    const backup = await writeSnapshot(target, batches, choice, voice, signal);
    return {
      target: text,
      payload: undefined,
      archiveBytes: undefined,
      payloadBytes: undefined,
      entries: state.entries,
      bytes: state.bytes,
      backup,
    };
  };
  voice.follow(() => state);
  try {
    return target.kind === "file"
      ? await writeFiles(target, batches(), choice, state, signal)
      : await snapshot(target, batches());
  } catch (error) {
    // What no archive can hold was wrong in the one that is read.
    if (
      error instanceof TypeError && error.message.startsWith("Cannot encode")
    ) {
      throw new ExitError(EXIT.damaged, error.message, { cause: error });
    }
    throw error;
  } finally {
    voice.end();
  }
}

/**
 * Prints what was made as JSON.
 *
 * @param summary What was made.
 * @param more What else is to be told.
 */
export function printTarget(
  { backup, ...summary }: TargetSummary,
  more: Record<string, unknown> = {},
): void {
  printJson({
    ...summary,
    ...backup && {
      snapshot: snapshotText(backup.snapshot),
      namespace: backup.snapshot.namespace,
      chunks: backup.chunks,
      chunksNew: backup.chunksNew,
      bytesNew: backup.bytesNew,
      bytesStored: backup.bytesStored,
    },
    ...more,
  });
}

async function writeFiles(
  { text, payload }: FileTarget,
  batches: Batches,
  { force, sync }: TargetChoice,
  state: Progress,
  signal: AbortSignal,
): Promise<TargetSummary> {
  const outputs = new Outputs(force);
  const place = (path: string) =>
    path === "-" ? standardOutput(signal) : outputs.add(path);
  // A second signal ends the program without asking anybody.
  const discard = (): void => outputs.discard();
  globalThis.addEventListener("unload", discard);
  try {
    const metadata = place(text);
    const contents = payload === undefined ? undefined : place(payload);
    const sink: PayloadSink | undefined = contents && {
      write: (part) => "bytes" in part ? contents.write(part.bytes) : undefined,
    };
    const made = await encode(batches, { metadata, payload: sink }, { signal });
    signal.throwIfAborted();
    outputs.finish(sync);
    return {
      target: text,
      payload,
      archiveBytes: made.metadata,
      payloadBytes: made.payload,
      entries: made.entries,
      bytes: state.bytes,
      backup: undefined,
    };
  } finally {
    globalThis.removeEventListener("unload", discard);
    outputs.discard();
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
      else paths.enter(entry);
      if (entry.kind === "file" && entry.content === undefined) {
        throw noContent(absolute(quote(paths.view)));
      }
    }
    yield batch;
  }
}

/** The payload file of a split archive that is named as such. */
function besides(archive: string): string | undefined {
  if (archive.endsWith(".ppxar")) {
    throw new UsageError(
      `Cannot make ${archive}: that is the name of a payload, expected NAME.mpxar, whose contents go to NAME.ppxar`,
    );
  }
  return archive.endsWith(".mpxar")
    ? `${archive.slice(0, -".mpxar".length)}.ppxar`
    : undefined;
}
