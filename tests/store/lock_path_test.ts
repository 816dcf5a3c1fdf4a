import { hexOf } from "@pxar/chunk/digest";
import { sha256Of } from "@pxar/chunk/sha256";
import {
  groupLockPath,
  lockName,
  manifestLockPath,
  snapshotLockPath,
} from "@pxar/store/lock_path";
import { parseSnapshot } from "@pxar/store/snapshot";
import fc from "fast-check";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { NAMES, SNAPSHOTS } from "./names.ts";

Deno.test("lockName() gives the names of PBS, hashed ones too", () => {
  for (const { escaped, lockFile, path } of NAMES.lockFileEscape) {
    assertEquals(lockName(path), lockFile, path);
    assertEquals(lockFile.startsWith("hashed/"), escaped.length >= 255);
  }
});

Deno.test("locks lie in a folder per namespace", () => {
  const text = "vm/100/2022-05-02T08:11:33Z";
  const root = parseSnapshot(text), inside = parseSnapshot(text, "a/b-c");
  const name = "vm-100-2022\\x2d05\\x2d02T08\\x3a11\\x3a33Z";
  assertEquals(groupLockPath(root), "vm-100");
  assertEquals(snapshotLockPath(root), name);
  assertEquals(manifestLockPath(root), `${name}-.index.json.lck`);
  assertEquals(groupLockPath(inside), "a:b-c/vm-100");
  assertEquals(snapshotLockPath(inside), `a:b-c/${name}`);
  assertEquals(manifestLockPath(inside), `a:b-c/${name}-.index.json.lck`);
});

Deno.test("a long id is hashed, in its namespace's folder", () => {
  const id = "-".repeat(100).replace("-", "x");
  const name = parseSnapshot(`host/${id}/2022-05-02T08:11:33Z`, "a/b");
  const hash = hexOf(sha256Of(new TextEncoder().encode(`host/${id}`)));
  const [folder, hashed, file] = groupLockPath(name).split("/");
  assertEquals([folder, hashed], ["a:b", "hashed"]);
  assert(file!.endsWith(`-${hash}`));
  assertEquals(file!.length, 80 + 3 + 80 + 1 + 64);
});

Deno.test("no two locks have one name, and none leads anywhere else", () => {
  fc.assert(fc.property(SNAPSHOTS, SNAPSHOTS, (a, b) => {
    const of = (name: typeof a) => [
      groupLockPath(name),
      snapshotLockPath(name),
      manifestLockPath(name),
    ];
    for (const path of of(a)) {
      assertMatch(path, /^([A-Za-z0-9_.:-]+\/)?[A-Za-z0-9_.\\-]+$/);
    }
    assertEquals(new Set(of(a)).size, 3);
    for (const i of [0, 1, 2]) {
      const same = i === 0
        ? [a.namespace, a.type, a.id].join() ===
          [b.namespace, b.type, b.id].join()
        : JSON.stringify(a) === JSON.stringify(b);
      assertEquals(of(a)[i] === of(b)[i], same);
    }
  }));
});
