/**
 * `pxar import`: a tar file as an archive.
 *
 * @module
 */
import type { RandomAccess } from "@pxar/codec/random_access";
import type { ByteInput, ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import type { Batch } from "@pxar/format/entry";
import { UnsupportedError } from "@pxar/format/errors";
import { Report } from "@pxar/fs/report";
import { decodeTar } from "@pxar/transfer/tar_decode";
import { accountNames } from "./account_names.ts";
import {
  parseTarget,
  printTarget,
  TARGET,
  TARGET_OPTIONS,
  writeTarget,
} from "./archive_target.ts";
import { type Command, command } from "./command.ts";
import { JSON_FLAG, QUIET } from "./common_options.ts";
import {
  decompressed,
  MAGIC_SIZE,
  type Packing,
  packingOf,
} from "./compression.ts";
import { EXIT, ExitError } from "./exits.ts";
import { openInput } from "./input.ts";
import { closing, jsonReport } from "./outcome.ts";
import { interruptible } from "./signals.ts";
import { spool } from "./spool.ts";
import { turningAccess } from "./turning.ts";
import { Voice } from "./voice.ts";

/** What undoes what is not undone here. */
const OTHER: { readonly [Name in NonNullable<Packing>]?: string } = {
  xz: "xz -dc FILE | pxar import - TARGET",
  bzip2: "bzip2 -dc FILE | pxar import - TARGET",
  zip: "unzip, then pxar create",
  pxar: "pxar cp",
};

/** The command. */
export const COMMAND: Command = command({
  name: "import",
  summary: "Make an archive of a tar file",
  operands: [
    {
      name: "TARFILE",
      help:
        "a tar file, as it is or packed by gzip or zstd; - is standard input",
    },
    TARGET,
  ],
  options: {
    "in-order": {
      kind: "flag",
      help: "take members as they come, without a copy; see below",
    },
    ...TARGET_OPTIONS,
    json: JSON_FLAG,
    quiet: QUIET,
  },
  notes:
    `A tar file may have its members in any order, an archive may not. So members are sorted by
name; of several with one path the last counts. That needs the tar file where it can be read
from any place: what is packed or comes from a pipe is first copied, up to 32 MiB to memory,
else to a file without a name in TMPDIR or /var/tmp. With --in-order nothing is copied: that
works for what GNU tar wrote in one go, and is an error where a folder is met again, as
bsdtar has it.
Owners are taken by number, as tar --numeric-owner has it. A member that has no place in a
tree - with .. in its path, a link to nothing - is named, the rest goes on, and the exit code
is 3.`,
  examples: [
    {
      run: "pxar import backup.tar.gz backup.pxar",
      does: "a file of a file",
    },
    {
      run: "pxar import srv.tar.zst host/elsa:srv.pxar",
      does: "a new snapshot",
    },
  ],
  run: async ({ options, operands: [path, target] }) => {
    parseTarget(target!, options, options.json);
    const voice = new Voice(options.quiet);
    return await interruptible(async ({ signal }) => {
      const report = new Report(({ message }) => voice.problem(message));
      const entries = () => read(path!, options["in-order"], report, signal);
      try {
        const made = await writeTarget(
          target!,
          entries,
          options,
          voice,
          signal,
        );
        report.entries = made.entries;
        report.bytes = made.bytes;
        const exit = await closing(report, voice, "imported");
        if (options.json) {
          printTarget(made, await jsonReport(report));
        }
        return exit;
      } catch (error) {
        const misplaced = error instanceof UnsupportedError &&
          error.offset === undefined && options["in-order"];
        throw misplaced
          ? new ExitError(
            EXIT.failed,
            `${error.message} (without --in-order it is)`,
          )
          : error;
      }
    });
  },
});

/** The entries of a tar file; opened when the first ones are asked for. */
async function* read(
  path: string,
  inOrder: boolean,
  report: Report,
  signal: AbortSignal,
): AsyncGenerator<Batch, void, void> {
  const how = {
    onError: (path: Bytes, error: Error) =>
      report.fail(path, error.message, error),
    names: accountNames(),
    signal,
  };
  const { source, access } = openInput(path, signal);
  const { head, whole } = await peek(source);
  const packing = packingOf(head);
  const other = packing && OTHER[packing];
  if (head.length === 0 || other !== undefined) {
    await source.close?.();
    throw new ExitError(
      EXIT.damaged,
      head.length === 0
        ? `Cannot import ${path}: it is empty, expected a tar file`
        : `Cannot import ${path}: it is a ${packing} file, expected tar, or tar packed by gzip or zstd (${other})`,
    );
  }
  if (packing !== "gzip" && packing !== "zstd") {
    if (inOrder) return yield* decodeTar(whole, how);
    if (access !== undefined) {
      try {
        return yield* decodeTar(turningAccess(access, signal), how);
      } finally {
        await source.close?.();
      }
    }
  }
  const plain: ByteInput = packing === "gzip" || packing === "zstd"
    ? decompressed(whole, packing)
    : whole;
  if (inOrder) return yield* decodeTar(plain, how);
  let copy: RandomAccess | undefined;
  try {
    copy = await spool(plain, signal);
    yield* decodeTar(turningAccess(copy, signal), how);
  } finally {
    await copy?.close?.();
  }
}

/** Looks at the first bytes, and gives them back. */
async function peek(
  source: ByteSource,
): Promise<{ head: Bytes; whole: ByteSource }> {
  const memory: Bytes = new Uint8Array(MAGIC_SIZE);
  let filled = 0, got = 1;
  while (filled < MAGIC_SIZE && got > 0) {
    got = await source.read(memory.subarray(filled));
    filled += got;
  }
  const head = memory.subarray(0, filled);
  let left = head;
  return {
    head,
    whole: {
      read(into) {
        if (left.length === 0) return source.read(into);
        const part = left.subarray(0, into.length);
        into.set(part);
        left = left.subarray(part.length);
        return part.length;
      },
      skip: undefined,
      close: source.close,
    },
  };
}
