import { FormatError, NotFoundError } from "@pxar/format/errors";
import {
  type ArchiveFiles,
  CATALOG_NAME,
  CLIENT_LOG_NAME,
  isDataFile,
  MANIFEST_NAME,
  parseArchiveName,
  resolveArchive,
  RSA_KEY_NAME,
} from "@pxar/store/archive_name";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { NAMES, SAFE_IDS } from "./names.ts";
import { compare } from "./vectors.ts";

const EXTENSIONS = { dynamic: "didx", fixed: "fidx", blob: "blob" };

Deno.test("parseArchiveName() reads what PBS reads, but only what can be a file's name", () => {
  const why =
    "no upload takes it, and as a path it could lead out of the snapshot";
  compare(NAMES.archiveName, (text) => {
    const { server, client, kind } = parseArchiveName(text);
    return { base: client, extension: EXTENSIONS[kind], name: server };
  }, { "a/b.pxar": why, "../x.pxar": why, "ä.conf": why });
});

Deno.test("the last part of a path names an archive, as PBS reads it", () => {
  compare(
    NAMES.archiveFromPath,
    (path) => parseArchiveName(path.split("/").at(-1)!).server,
  );
});

Deno.test("parseArchiveName() tells what a file holds", () => {
  const contents = [
    ["root.pxar", "pxar"],
    ["root.mpxar.didx", "metadata"],
    ["root.ppxar", "payload"],
    [CATALOG_NAME, "catalog"],
    ["disk.img", "image"],
    ["x.fidx", "image"],
    ["fw.conf", "file"],
    [CLIENT_LOG_NAME, "file"],
    ["root.pxar.blob", "file"],
    ["x.didx", undefined],
  ] as const;
  for (const [name, content] of contents) {
    assertEquals(parseArchiveName(name).content, content, name);
  }
});

Deno.test("the fixed names are names of files in a store", () => {
  for (
    const name of [MANIFEST_NAME, CLIENT_LOG_NAME, CATALOG_NAME, RSA_KEY_NAME]
  ) assertEquals(parseArchiveName(name).server, name);
});

Deno.test("isDataFile() takes what PBS lists", () => {
  for (const [name, wanted] of NAMES.accepted.dataFile!) {
    assertEquals(isDataFile(name), wanted, JSON.stringify(name));
  }
});

Deno.test("archive names come back from both forms", () => {
  const extensions = fc.constantFrom(
    ".pxar .mpxar .ppxar .pcat1 .img .conf .json .key .log .didx .fidx .blob"
      .split(" "),
  ).chain((list) => fc.constantFrom(...list));
  fc.assert(fc.property(SAFE_IDS, extensions, (id, extension) => {
    const name = parseArchiveName(id + extension);
    assertEquals(parseArchiveName(name.server), name);
    assert(name.server.startsWith(name.client));
    assert([name.server, name.client].includes(id + extension));
    assert(isDataFile(name.server));
  }));
});

/** The files that an answer names. */
function files(answer: ArchiveFiles): string[] {
  return answer.split
    ? [answer.metadata.server, answer.payload.server]
    : [answer.file.server];
}

Deno.test("resolveArchive() finds what was asked for in either form", () => {
  const listed = [
    "old.pxar.didx",
    "new.ppxar.didx",
    "new.mpxar.didx",
    "disk.img.fidx",
    "fw.conf.blob",
    "both.pxar.didx",
    "both.mpxar.didx",
    "both.ppxar.didx",
    CATALOG_NAME,
  ];
  const split = ["new.mpxar.didx", "new.ppxar.didx"];
  const cases: [string, string[]][] = [
    ["old.pxar", ["old.pxar.didx"]],
    ["old.pxar.didx", ["old.pxar.didx"]],
    ["new.pxar", split],
    ["new.pxar.didx", split],
    ["new.mpxar", split],
    ["new.ppxar.didx", split],
    ["disk.img", ["disk.img.fidx"]],
    ["fw.conf", ["fw.conf.blob"]],
    ["both.pxar", ["both.pxar.didx"]],
    ["both.mpxar", ["both.mpxar.didx", "both.ppxar.didx"]],
    ["catalog.pcat1", [CATALOG_NAME]],
  ];
  for (const [asked, wanted] of cases) {
    assertEquals(files(resolveArchive(asked, listed)), wanted, asked);
  }
});

Deno.test("resolveArchive() says which file is not listed", () => {
  const find = (asked: string, ...listed: string[]) => () =>
    resolveArchive(asked, listed);
  assertThrows(find("a.pxar"), NotFoundError, '"a.pxar.didx"');
  assertThrows(find("a.img", "b.img.fidx"), NotFoundError, '"a.img.fidx"');
  assertThrows(find("a.pxar", "a.mpxar.didx"), NotFoundError, '"a.ppxar.didx"');
  assertThrows(find("a.pxar", "a.ppxar.didx"), NotFoundError, '"a.mpxar.didx"');
  assertThrows(find("a.mpxar", "a.pxar.didx"), NotFoundError, '"a.mpxar.didx"');
  assertThrows(find("a.conf", "a.conf.didx"), NotFoundError, '"a.conf.blob"');
  assertThrows(find("a.txt", "a.txt"), FormatError, ".blob");
  assertThrows(find("../a.pxar"), FormatError, "letters");
});
