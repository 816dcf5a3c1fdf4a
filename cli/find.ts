/**
 * `pxar find`: entries that fit.
 *
 * @module
 */
import { decode } from "@pxar/codec/decode";
import type { Bytes } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";
import { matchPatterns } from "@pxar/format/pattern";
import { PathTracker } from "@pxar/transfer/path";
import { type Command, command } from "./command.ts";
import {
  ESCAPED,
  JSON_FLAG,
  LONG,
  PAYLOAD_INPUT,
  STREAM,
} from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { openInput } from "./input.ts";
import { absolute, quote } from "./names.ts";
import { JsonArray, Lines } from "./output.ts";
import type { Options, Values } from "./options.ts";
import { readPatterns } from "./patterns.ts";
import { longText, sizeOf, typeLetter } from "./show.ts";
import { lazy } from "./lazy.ts";

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
  long: LONG,
  json: JSON_FLAG,
  escaped: ESCAPED,
  "payload-input": PAYLOAD_INPUT,
} as const satisfies Options;

/** The command. */
export const COMMAND: Command = command({
  name: "find",
  summary: "Find entries by pattern, type, size, time or owner",
  operands: [STREAM, {
    name: "PATTERN",
    help: "as for extract; with several, the last one that matches decides",
    optional: true,
    many: true,
  }],
  options: OPTIONS,
  notes:
    `All that is asked for must fit. Paths are quoted as by list. A hardlink has no
size, time or owner of its own, and fits none of them.`,
  examples: [
    {
      run: "pxar find backup.pxar --name '*.conf' --newer 2024-01-01",
      does: "configuration files changed since a day",
    },
    {
      run: "pxar find -l backup.pxar --type f --size +100M",
      does: "large files",
    },
  ],
  run: async ({ options, operands: [archive, ...texts] }) => {
    const tests = testsOf(options, texts);
    const payload = options["payload-input"];
    const batches = decode(openInput(archive!).source, {
      payload: payload === undefined ? undefined : openInput(payload).source,
    });
    const form = options.json ? await jsonForm() : textForm(options.long);
    const paths = new PathTracker();
    try {
      for await (const batch of batches) {
        for (const entry of batch) {
          if (entry.kind === "end") paths.leave();
          else if (entry.kind !== "version" && entry.kind !== "prelude") {
            paths.enter(entry);
            const { path } = paths;
            if (tests.every((test) => test(entry, path))) {
              form.entry(entry, path);
            }
          }
        }
      }
    } finally {
      // What stands before damage is shown, too.
      form.end();
    }
    return EXIT.done;
  },
});

type Test = (entry: Entry, path: Bytes) => boolean;

/** What an entry must pass, all of it. */
function testsOf(
  options: Values<typeof OPTIONS>,
  texts: readonly string[],
): Test[] {
  const patterns = readPatterns(texts, "include", options.escaped);
  const names = readPatterns(options.name, "include", options.escaped);
  const tests: Test[] = [];
  if (patterns.length > 0) {
    tests.push((entry, path) =>
      matchPatterns(patterns, path, entry.kind === "directory") === "include"
    );
  }
  if (names.length > 0) {
    tests.push((entry) =>
      matchPatterns(names, entry.name, entry.kind === "directory") ===
        "include"
    );
  }
  if (options.type !== undefined) tests.push(typeTest(options.type));
  for (const text of options.size) tests.push(sizeTest(text));
  if (options.newer !== undefined) {
    const time = readTime("newer", options.newer);
    tests.push((entry) =>
      hasTime(entry) && entry.secs + entry.nanos / 1e9 > time
    );
  }
  if (options.older !== undefined) {
    const time = readTime("older", options.older);
    tests.push((entry) =>
      hasTime(entry) && entry.secs + entry.nanos / 1e9 < time
    );
  }
  const { uid, gid } = options;
  if (uid !== undefined) {
    tests.push((entry) => hasTime(entry) && entry.uid === uid);
  }
  if (gid !== undefined) {
    tests.push((entry) => hasTime(entry) && entry.gid === gid);
  }
  return tests;
}

interface Form {
  readonly entry: (entry: Entry, path: Bytes) => void;
  readonly end: () => void;
}

function textForm(long: boolean): Form {
  const lines = new Lines();
  return {
    entry: (entry, path) =>
      lines.line(
        (long ? `${longText(entry, sizeOf(entry))} ` : "") +
          absolute(quote(path)),
      ),
    end: () => lines.end(),
  };
}

async function jsonForm(): Promise<Form> {
  const { jsonEntry } = await lazy("./json_entry.ts");
  const array = new JsonArray();
  return {
    entry: (entry, path) => array.add(jsonEntry(entry, path, sizeOf(entry))),
    end: () => array.end(),
  };
}

function typeTest(letters: string): (entry: Entry) => boolean {
  if (!/^[fdlhbcps]+$/.test(letters)) {
    throw new UsageError(
      `Cannot use --type ${letters}: expected letters among f d l h b c p s`,
    );
  }
  return (entry) => letters.includes(typeLetter(entry));
}

function sizeTest(text: string): (entry: Entry) => boolean {
  const [, sign, digits, unit] = /^([+-]?)(\d+)([KMGT]?)$/.exec(text) ?? [];
  const size = Number(digits) * (UNITS[unit ?? ""] ?? NaN);
  if (!Number.isSafeInteger(size)) {
    throw new UsageError(
      `Cannot use --size ${text}: expected a number of bytes such as 4096, +10M or -1K`,
    );
  }
  return (entry) => {
    if (entry.kind !== "file") return false;
    const there = sizeOf(entry);
    return sign === "+"
      ? there > size
      : sign === "-"
      ? there < size
      : there === size;
  };
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

function hasTime(entry: Entry): boolean {
  return entry.kind !== "hardlink";
}
