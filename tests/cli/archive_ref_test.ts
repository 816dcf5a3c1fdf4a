// How a command line names archives.
import { parseSnapshot } from "@pxar/store/snapshot";
import {
  backupOf,
  parseArchiveRef,
  parseBackupRef,
} from "../../cli/archive_ref.ts";
import { UsageError } from "../../cli/exits.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { pxar } from "./run.ts";

const TIME = "2023-11-14T22:13:20Z";
const group = (id: string, namespace = "") => ({
  namespace,
  type: "host" as const,
  id,
});

Deno.test("parseArchiveRef() takes for a file what has not the form of a snapshot's", () => {
  for (
    const path of [
      "-",
      "etc.pxar",
      "./host/elsa:root.pxar",
      "/host/elsa:root.pxar",
      "../host/elsa:root.pxar",
      "host/elsa",
      "host/elsa.pxar",
      "host/elsa/latest",
      "host/elsa:x/root.pxar",
      "host/a/b/c:root.pxar",
      "host:root.pxar",
      "hosts/elsa:root.pxar",
      "a:b",
      "",
    ]
  ) assertEquals(parseArchiveRef(path, "a/b"), { kind: "file", path });
});

Deno.test("parseArchiveRef() reads snapshots, the newest of a group, and namespaces", () => {
  const kind = "snapshot";
  const elsa = parseSnapshot(`host/elsa/${TIME}`);
  assertEquals(parseArchiveRef(`host/elsa/${TIME}:root.pxar`, undefined), {
    kind,
    name: elsa,
    archive: "root.pxar",
  });
  for (const text of ["host/elsa:root.pxar", "host/elsa/latest:root.pxar"]) {
    assertEquals(parseArchiveRef(text, undefined), {
      kind,
      name: group("elsa"),
      archive: "root.pxar",
    });
    assertEquals(parseArchiveRef(text, "a/b"), {
      kind,
      name: group("elsa", "a/b"),
      archive: "root.pxar",
    });
  }
  // An id may be `latest`, too.
  assertEquals(parseArchiveRef("host/latest:x.img", undefined), {
    kind,
    name: group("latest"),
    archive: "x.img",
  });
  assertEquals(
    parseArchiveRef("vm/100/latest:drive-scsi0.img.fidx", undefined),
    {
      kind,
      name: { namespace: "", type: "vm", id: "100" },
      archive: "drive-scsi0.img.fidx",
    },
  );
});

Deno.test("parseArchiveRef() refuses what only looks like a snapshot's archive", () => {
  for (
    const [text, says] of [
      [`host/elsa/${TIME}`, "it is a snapshot, expected one of its archives"],
      [`host/elsa/${TIME}:`, "no name is behind the colon"],
      ["host/elsa:", "no name is behind the colon"],
      ["host/elsa:root", "Cannot take archive name"],
      ["host/elsa/yesterday:root.pxar", "Cannot take"],
      ["host/el sa:root.pxar", "Cannot take backup id"],
      ["host/elsa/2023-11-14T22:13:root.pxar", "Cannot take"],
      ["host/..:root.pxar", "Cannot take backup id"],
    ] as const
  ) {
    assertThrows(() => parseArchiveRef(text, undefined), UsageError, says);
  }
  assertThrows(
    () => parseArchiveRef("host/elsa:root.pxar", "a//b"),
    UsageError,
    "Cannot take namespace",
  );
});

Deno.test("parseBackupRef() and backupOf() read snapshots with and without an archive", () => {
  const elsa = parseSnapshot(`host/elsa/${TIME}`);
  assertEquals(parseBackupRef(`host/elsa/${TIME}`, undefined), { name: elsa });
  assertEquals(
    parseBackupRef(`host/elsa/${TIME}:root.pxar`, undefined).archive,
    "root.pxar",
  );
  assertEquals(parseBackupRef("host/elsa/latest", "x"), {
    name: group("elsa", "x"),
  });
  assertEquals(backupOf("host/elsa", undefined), group("elsa"));
  assertEquals(backupOf(`host/elsa/${TIME}`, undefined), elsa);
  for (const text of ["host", "", "host/elsa/latest/x", "etc.pxar", "-"]) {
    assertThrows(() => parseBackupRef(text, undefined), UsageError);
  }
});

Deno.test("a time without Z, and a group in the place of an archive, are said to be that", async () => {
  const text = "host/elsa/2023-11-14T22:13:20";
  for (const parse of [parseArchiveRef, parseBackupRef]) {
    assertThrows(
      () => parse(text, undefined),
      UsageError,
      `Cannot take ${text}: its time has no Z at its end, expected ${text}Z`,
    );
  }
  const ran = await pxar(["ls", "host/nobody"]);
  assertEquals([ran.code, ran.out], [1, ""]);
  assert(ran.err.includes("perhaps host/nobody:root.pxar of a snapshot"));
});
