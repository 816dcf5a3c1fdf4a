/**
 * `pxar find`: entries that fit, in one archive or in many snapshots.
 *
 * @module
 */
import { matchPatterns } from "@pxar/format/pattern";
import {
  type Candidate,
  findEntries,
  type FindOptions,
} from "@pxar/transfer/find";
import { type Command, command } from "./command.ts";
import { ESCAPED, JSON_FLAG, LONG, MAX_DEPTH } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { jsonForm, kindLetter, nothing, textForm } from "./find_form.ts";
import { ARCHIVE_OPTIONS, OpenArchive } from "./open_archive.ts";
import type { Options, Values } from "./options.ts";
import { readPatterns } from "./patterns.ts";
import { interruptible } from "./signals.ts";
import { lazy } from "./lazy.ts";
import { Voice } from "./voice.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

const OPTIONS = {
  name: {
    kind: "texts",
    value: "PATTERN",
    help: "last part of the path, such as *.conf; one of them must match",
  },
  type: {
    kind: "text",
    value: "LETTERS",
    help:
      "f file, d directory, l symlink, h hardlink, b c device, p fifo, s socket",
  },
  size: {
    kind: "texts",
    value: "[+-]N[KMGT]",
    help: "files of N bytes, +N more, -N less",
  },
  newer: {
    kind: "text",
    value: "TIME",
    help: "changed after TIME, such as 2024-05-01 or 2024-05-01T12:00:00Z",
  },
  older: { kind: "text", value: "TIME", help: "changed before TIME" },
  uid: { kind: "count", value: "N", help: "owned by this user" },
  gid: { kind: "count", value: "N", help: "owned by this group" },
  versions: {
    kind: "flag",
    help: "each version (size, time) once, with the snapshots that have it",
  },
  all: {
    kind: "flag",
    help: "in all snapshots of the namespace and those below it",
  },
  latest: { kind: "flag", help: "only in the newest snapshot of each group" },
  "no-catalog": {
    kind: "flag",
    help: "read the archives themselves: slower, but with owners and modes",
  },
  long: LONG,
  json: JSON_FLAG,
  escaped: ESCAPED,
  "max-depth": MAX_DEPTH,
  ...ARCHIVE_OPTIONS,
} as const satisfies Options;

/** What `find` can be asked for. */
export type FindValues = Values<typeof OPTIONS>;

/** The command. */
export const COMMAND: Command = command({
  name: "find",
  summary: "Find entries by pattern, type, size, time or owner",
  operands: [{
    name: "WHERE",
    help:
      "an archive (- is standard input), SNAPSHOT:NAME, SNAPSHOT, or GROUP: all of it, newest first",
    optional: true,
  }, {
    name: "PATTERN",
    help: "as for extract; with several, the last one that matches decides",
    optional: true,
    many: true,
  }],
  options: OPTIONS,
  notes:
    `A snapshot is TYPE/ID/TIME or TYPE/ID/latest, a group TYPE/ID. With --all there
is no WHERE. All that is asked for must fit. Paths are quoted as by list.
A hardlink has no size, time or owner of its own, and fits none of them. In a
store, a catalog is read where there is one: it knows sizes and times of files,
and nothing else. The exit code is 5 if nothing is found.`,
  examples: [
    {
      run: "pxar find backup.pxar --name '*.conf' --newer 2024-01-01",
      does: "configuration files changed since a day",
    },
    {
      run: "pxar find host/elsa /etc/fstab --versions",
      does: "which versions of a file there are, and in which snapshots",
    },
  ],
  run: async ({ options, operands }) => {
    const where = options.all ? undefined : operands[0];
    const texts = options.all ? operands : operands.slice(1);
    if (where === undefined && !options.all) {
      throw new UsageError(
        "Cannot find: WHERE is missing, expected pxar find WHERE [PATTERN]..., or --all",
      );
    }
    return await interruptible(async ({ signal }) => {
      const search: FindOptions = {
        patterns: readPatterns(texts, "include", options.escaped),
        fits: testOf(options),
        signal,
      };
      if (where === undefined || IN_STORE.test(where)) {
        const { findInStore } = await lazy("./find_in_store.ts");
        return await findInStore(where, options, search);
      }
      return await findInArchive(where, options, search);
    });
  },
});

/** A group, a snapshot, or the newest one of a group; a group's name may have an archive's ending, but hardly has. */
const IN_STORE =
  /^(?:vm|ct|host)\/(?:[^/:]+\/(?:latest|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)|(?![^/]*\.m?pxar$)[^/:]+)$/;

async function findInArchive(
  where: string,
  options: FindValues,
  search: FindOptions,
): Promise<number> {
  await using archive = await OpenArchive.open(
    where,
    options,
    new Voice(false),
    search.signal!,
  );
  if (archive.snapshot !== undefined) {
    const { findInOne } = await lazy("./find_in_store.ts");
    return await findInOne(archive, options, search);
  }
  const [not] = (["versions", "latest"] as const).filter((one) => options[one]);
  if (not !== undefined) {
    throw new UsageError(
      `Cannot use --${not} with ${where}: it is a file, expected snapshots`,
    );
  }
  const form = options.json ? await jsonForm() : textForm(options.long);
  let count = 0;
  try {
    const batches = archive.entries({ contents: false });
    for await (const page of findEntries(batches, search)) {
      for (const hit of page) form.hit(hit, {});
      count += page.length;
    }
  } finally {
    // What stands before damage is shown, too.
    form.end();
  }
  if (count === 0) throw nothing(where);
  return EXIT.done;
}

type Test = (candidate: Candidate) => boolean;

/** What an entry must pass, all of it. */
function testOf(options: FindValues): Test {
  const names = readPatterns(options.name, "include", options.escaped);
  const tests: Test[] = [];
  if (names.length > 0) {
    tests.push(({ name, kind }) =>
      matchPatterns(names, name, kind === "directory") === "include"
    );
  }
  if (options.type !== undefined) tests.push(typeTest(options.type));
  for (const text of options.size) tests.push(sizeTest(text));
  if (options.newer !== undefined) {
    const time = readTime("newer", options.newer);
    tests.push((candidate) => (timeOf(candidate) ?? -Infinity) > time);
  }
  if (options.older !== undefined) {
    const time = readTime("older", options.older);
    tests.push((candidate) => (timeOf(candidate) ?? Infinity) < time);
  }
  const { uid, gid } = options;
  if (uid !== undefined) {
    tests.push(({ entry, kind }) => kind !== "hardlink" && entry?.uid === uid);
  }
  if (gid !== undefined) {
    tests.push(({ entry, kind }) => kind !== "hardlink" && entry?.gid === gid);
  }
  return (candidate) => tests.every((test) => test(candidate));
}

function timeOf({ mtime, entry }: Candidate): number | undefined {
  return mtime === undefined ? undefined : mtime + (entry?.nanos ?? 0) / 1e9;
}

function typeTest(letters: string): Test {
  if (!/^[fdlhbcps]+$/.test(letters)) {
    throw new UsageError(
      `Cannot use --type ${letters}: expected letters among f d l h b c p s`,
    );
  }
  return ({ kind }) => letters.includes(kindLetter(kind));
}

function sizeTest(text: string): Test {
  const [, sign, digits, unit] = /^([+-]?)(\d+)([KMGT]?)$/.exec(text) ?? [];
  const size = Number(digits) * (UNITS[unit ?? ""] ?? NaN);
  if (!Number.isSafeInteger(size)) {
    throw new UsageError(
      `Cannot use --size ${text}: expected a number of bytes such as 4096, +10M or -1K`,
    );
  }
  return ({ size: there }) =>
    there !== undefined &&
    (sign === "+"
      ? there > size
      : sign === "-"
      ? there < size
      : there === size);
}

function readTime(option: string, text: string): number {
  // A day alone means its beginning here, not in Greenwich.
  const millis = Date.parse(
    /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text,
  );
  if (!/^\d{4}-/.test(text) || Number.isNaN(millis)) {
    throw new UsageError(
      `Cannot use --${option} ${text}: expected a time such as 2024-05-01 or 2024-05-01T12:00:00Z`,
    );
  }
  return millis / 1000;
}
