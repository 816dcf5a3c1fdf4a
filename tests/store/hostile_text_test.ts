// Every parser of a name, with anything at all: it ends, quickly, in a value or in a FormatError that can be shown.
import { FormatError } from "@pxar/format/errors";
import { parseRepository } from "@pxar/pbs/repository";
import { parseArchiveName, resolveArchive } from "@pxar/store/archive_name";
import { parseAuthId, parseOwner } from "@pxar/store/auth_id";
import { parseBackupSpec } from "@pxar/store/backup_spec";
import { parseBackupTime } from "@pxar/store/backup_time";
import { parseJson } from "@pxar/store/json";
import { timeZone } from "@pxar/store/local_time";
import { parseManifest } from "@pxar/store/manifest";
import { parseNamespace, parseNamespacePath } from "@pxar/store/namespace";
import { parseStoreName } from "@pxar/store/safe_id";
import {
  parseBackupType,
  parseGroup,
  parseGroupOrSnapshot,
  parseSnapshot,
  parseSnapshotPath,
} from "@pxar/store/snapshot";
import { parseUpid } from "@pxar/store/upid";
import fc from "fast-check";
import { assert } from "../support/assert.ts";
import { IDS } from "./ids.ts";
import { NAMES } from "./names.ts";
import { storeVector } from "./vectors.ts";

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  parseArchiveName,
  parseAuthId,
  parseBackupSpec,
  parseBackupTime,
  parseBackupType,
  parseGroup,
  parseGroupOrSnapshot,
  parseJson,
  parseManifest,
  parseNamespace,
  parseNamespacePath,
  parseOwner,
  parseRepository,
  parseSnapshot,
  parseSnapshotPath,
  parseStoreName,
  parseUpid,
  resolveArchive: (text) => resolveArchive(text, [`${text}.didx`, text]),
  timeZone,
};

function tryAll(text: string): void {
  for (const [name, parse] of Object.entries(PARSERS)) {
    try {
      parse(text);
    } catch (error) {
      const ours = error instanceof FormatError ||
        (name === "resolveArchive" && error instanceof Error &&
          error.name === "NotFoundError");
      const label = `${name} ${JSON.stringify(text.slice(0, 60))}: ${error}`;
      assert(ours, label);
      assert(error.message.length < 1000, label);
      assert(!/\p{Cc}/u.test(error.message), label);
      assert(/^Cannot .*: .*, expected /.test(error.message), label);
    }
  }
}

/** Every text that the data has for some parser. */
const KNOWN = [
  ...NAMES.snapshot,
  ...NAMES.namespace,
  ...NAMES.namespaceAndSnapshot,
  ...NAMES.archiveName,
  ...NAMES.backupSpecification,
  ...IDS.authId,
  ...IDS.upidParse,
  ...storeVector<{ parse: { text: string }[] }>("repository.json").parse,
].map(({ text }) => text);

Deno.test("every parser ends with every text that is another's", () => {
  for (const text of KNOWN) tryAll(text);
});

Deno.test("every parser ends with any text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), tryAll));
  const letters = fc.constantFrom(
    ..."aZ09_.-/:@![]%\\ \n\0\x1b\ud800ä😀\u202e",
  );
  fc.assert(
    fc.property(fc.array(letters).map((all) => all.join("")), tryAll),
    { numRuns: 500 },
  );
});

Deno.test("every parser ends with a text that is almost right", () => {
  const change = fc.tuple(
    fc.constantFrom(...KNOWN.filter((text) => text.length > 0)),
    fc.nat(300),
    fc.nat(2),
    fc.string({ unit: "binary", maxLength: 2 }),
  ).map(([text, at, gone, more]) =>
    text.slice(0, at % text.length) + more +
    text.slice(at % text.length + gone)
  );
  fc.assert(fc.property(change, tryAll), { numRuns: 1000 });
});

Deno.test("every parser ends with megabytes", () => {
  const size = 400_000;
  for (
    const piece of [
      "a",
      "/",
      "a/",
      "ns/a/",
      ":",
      "@",
      "a@",
      "a!",
      ".",
      "-",
      "0",
      "\\",
      "\\x2d",
      "[",
      " ",
      "\n",
      "ä",
      "\ud800",
      "%41",
    ]
  ) {
    const many = piece.repeat(Math.ceil(size / piece.length));
    for (
      const text of [
        many,
        `host/${many}`,
        `host/a/${many}`,
        `${many}.pxar`,
        `a.pxar:${many}`,
        `${many}@pbs!t`,
        `u@pbs@${many}:store`,
        `/${many}`,
        `file:///${many}`,
        `UPID:n:00000001:00000002:00000003:00000004:t:${many}:u@pbs:`,
        `UPID:${many}:`,
      ]
    ) tryAll(text);
  }
});
