import { FormatError } from "@pxar/format/errors";
import {
  compareGroups,
  compareSnapshots,
  groupPath,
  groupText,
  parseBackupType,
  parseGroup,
  parseGroupOrSnapshot,
  parseSnapshot,
  parseSnapshotPath,
  sameGroup,
  sameSnapshot,
  snapshotPath,
  snapshotText,
} from "@pxar/store/snapshot";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { NAMES, SNAPSHOTS } from "./names.ts";
import { compare } from "./vectors.ts";

Deno.test("parseBackupType() reads what PBS reads", () => {
  compare(NAMES.type, parseBackupType);
});

Deno.test("parseGroup() reads what PBS reads", () => {
  compare(NAMES.group, (text) => {
    const { id, type, namespace } = parseGroup(text);
    assertEquals(namespace, "");
    assertEquals(groupText({ id, type, namespace }), text);
    return { id, type };
  });
});

Deno.test("parseSnapshot() reads what PBS reads, but no time that does not exist", () => {
  compare(NAMES.snapshot, (text) => {
    const name = parseSnapshot(text);
    const { id, time, type } = name;
    return { display: snapshotText(name), id, time, type };
  }, {
    "host/a/2020-02-31T13:56:05Z": "PBS tells another name than the folder has",
    "host/a/2020-06-26T13:56:60Z": "PBS tells another name than the folder has",
  });
});

Deno.test("parseGroupOrSnapshot() reads what PBS reads", () => {
  compare(NAMES.groupOrSnapshot, (text) => {
    const name = parseGroupOrSnapshot(text);
    return "time" in name
      ? { snapshot: snapshotText(name) }
      : { group: groupText(name) };
  });
});

Deno.test("parseSnapshotPath() reads what PBS reads, but no path with an empty part", () => {
  compare(NAMES.namespaceAndSnapshot, (text) => {
    const name = parseSnapshotPath(text);
    return {
      ns: name.namespace,
      printed: snapshotPath(name),
      snapshot: snapshotText(name),
    };
  }, {
    "/host/elsa/2020-06-26T13:56:05Z": "would not come out as it went in",
    "ns/foo//host/elsa/2020-06-26T13:56:05Z":
      "would not come out as it went in",
  });
});

Deno.test("parseGroup() and parseSnapshot() refuse a namespace that is none", () => {
  for (const namespace of ["../x", "a//b", "/", "a/b/c/d/e/f/g/h"]) {
    assertThrows(
      () => parseGroup("host/a", namespace),
      FormatError,
      "namespace",
    );
    assertThrows(
      () => parseSnapshot("host/a/2020-06-26T13:56:05Z", namespace),
      FormatError,
      "namespace",
    );
  }
});

Deno.test("groups stand in the order in which PBS lists them", () => {
  const groups = NAMES.groupSortOrder.map((text) => parseGroup(text));
  fc.assert(
    fc.property(
      fc.shuffledSubarray(groups, { minLength: groups.length }),
      (shuffled) => assertEquals(shuffled.sort(compareGroups), groups),
    ),
  );
});

Deno.test("an id beyond 64 bits is a text, as in PBS", () => {
  const ids = [
    "18446744073709551615",
    "100000000000000000000",
    "18446744073709551616",
    "20000000000000000000",
  ].map((id) => parseGroup(`vm/${id}`));
  assertEquals([...ids].reverse().sort(compareGroups), ids);
});

Deno.test("a namespace's groups stand together, and its snapshots from old to new", () => {
  const names = [
    ["", "ct/1/2020-06-26T13:56:05Z"],
    ["", "vm/1/2020-06-26T13:56:05Z"],
    ["", "vm/1/2020-06-26T13:56:06Z"],
    ["a", "ct/1/2020-06-26T13:56:05Z"],
    ["a/b", "ct/1/2020-06-26T13:56:05Z"],
    ["a-b", "ct/1/2020-06-26T13:56:05Z"],
  ].map(([namespace, text]) => parseSnapshot(text!, namespace));
  assertEquals([...names].reverse().sort(compareSnapshots), names);
});

Deno.test("comparing is an order, and says equal only of the same", () => {
  fc.assert(fc.property(SNAPSHOTS, SNAPSHOTS, SNAPSHOTS, (a, b, c) => {
    const ab = Math.sign(compareSnapshots(a, b));
    assertEquals(ab + Math.sign(compareSnapshots(b, a)), 0);
    assertEquals(ab === 0, sameSnapshot(a, b));
    assertEquals(compareGroups(a, b) === 0, sameGroup(a, b));
    if (ab <= 0 && compareSnapshots(b, c) <= 0) {
      assert(compareSnapshots(a, c) <= 0);
    }
    const later = { ...a, time: 5 };
    assert(sameSnapshot(a, { ...a }) && sameGroup(a, later));
  }));
});

Deno.test("names come back from their texts and paths", () => {
  fc.assert(fc.property(SNAPSHOTS, (name) => {
    const { time: _, ...group } = name;
    assertEquals(parseSnapshot(snapshotText(name), name.namespace), name);
    assertEquals(parseSnapshotPath(snapshotPath(name)), name);
    assertEquals(parseGroup(groupText(name), name.namespace), group);
    assert(snapshotPath(name).startsWith(`${groupPath(name)}/`));
    assert(!/(^|\/)(\.\.?)?(\/|$)/.test(snapshotPath(name)));
  }));
});
