import { PxarError, SystemError, UnsupportedError } from "@pxar/format/errors";
import {
  initDatastore,
  PBS_OWNER,
  pbsComplaints,
  rootRuns,
} from "@pxar/store/datastore_layout";
import { openDatastore } from "@pxar/store/open_datastore";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { inMemory, withDirectory } from "../support/walks.ts";
import { groupOf, makeSnapshot, snapshotOf } from "./contract.ts";
import { chunkFiles, isThere, kernel, namesIn } from "./stores.ts";

const SOME = { allFolders: false };

function modeOf(path: string): string {
  return (Deno.lstatSync(path).mode! & 0o7777).toString(8);
}

Deno.test("initDatastore() makes what PBS makes, under any umask", async () => {
  await withDirectory(async (folder) => {
    const path = `${folder}/store`, told: number[] = [];
    const before = Deno.umask(0o077);
    try {
      await initDatastore(path, {
        onProgress: (made, of) =>
          void (told.push(made), assertEquals(of, 65536)),
      });
    } finally {
      Deno.umask(before);
    }
    const names = [...Deno.readDirSync(`${path}/.chunks`)].map(({ name }) =>
      name
    ).sort();
    assertEquals([names.length, names[0], names.at(-1)], [
      65536,
      "0000",
      "ffff",
    ]);
    assertEquals(
      [path, `${path}/.lock`, `${path}/.chunks`, `${path}/.chunks/0a1b`].map(
        modeOf,
      ),
      ["755", "644", "750", "750"],
    );
    assertEquals(Deno.statSync(`${path}/.lock`).size, 0);
    assertEquals([told[0], told.at(-1)], [0, 65536]);
    assertEquals(told.toSorted((a, b) => a - b), told);
    const owner = rootRuns() ? PBS_OWNER.uid : Deno.uid();
    for (
      const one of [
        path,
        `${path}/.lock`,
        `${path}/.chunks`,
        `${path}/.chunks/ffff`,
      ]
    ) assertEquals(Deno.statSync(one).uid, owner);
    const complaints = pbsComplaints(path);
    if (rootRuns()) assertEquals(complaints, []);
    else {assert(
        complaints.every((one) => one.includes("belongs to")),
        complaints.join("\n"),
      );}
  }, inMemory());
});

Deno.test("what is written into a store has the modes and the owner that PBS gives, under any umask", async () => {
  await withDirectory(async (folder) => {
    const path = `${folder}/store`, before = Deno.umask(0o077);
    try {
      await initDatastore(path, SOME);
      const store = await openDatastore(path, {
        kernel,
        sync: "none",
        locks: `${folder}/locks`,
      });
      await store.createNamespace("a");
      const snapshot = snapshotOf(groupOf("h1", "a"), 0);
      await makeSnapshot(store, snapshot);
      await store.setProtected(snapshot, true);
      await store.setGroupNotes(snapshot, "notes");
    } finally {
      Deno.umask(before);
    }
    const owner = Deno.statSync(path).uid;
    for (const name of namesIn(path)) {
      const { isDirectory, uid } = Deno.lstatSync(`${path}${name}`);
      const expected = !isDirectory
        ? "644"
        : name.startsWith("/.chunks")
        ? "750"
        : "755";
      assertEquals([modeOf(`${path}${name}`), uid], [expected, owner], name);
    }
  }, inMemory());
});

Deno.test("initDatastore() takes an empty folder, also one of a file system of its own", async () => {
  await withDirectory(async (folder) => {
    Deno.mkdirSync(`${folder}/lost+found`);
    Deno.chmodSync(folder, 0o700);
    await initDatastore(folder, SOME);
    assertEquals(modeOf(folder), "755");
    await openDatastore(folder);
  });
});

Deno.test("initDatastore() makes nothing where something is", async () => {
  await withDirectory(async (folder) => {
    await initDatastore(`${folder}/store`, SOME);
    await assertRejects(
      () => initDatastore(`${folder}/store`, SOME),
      PxarError,
      "it is one already",
    );
    Deno.mkdirSync(`${folder}/full`);
    Deno.writeTextFileSync(`${folder}/full/mine`, "precious");
    await assertRejects(
      () => initDatastore(`${folder}/full`, SOME),
      PxarError,
      "not empty: mine",
    );
    assertEquals(namesIn(`${folder}/full`), ["/mine"]);
    await assertRejects(
      () => initDatastore(`${folder}/full/mine`, SOME),
      PxarError,
      "something else is there",
    );
    const error = await assertRejects(
      () => initDatastore(`${folder}/no/store`, SOME),
      SystemError,
    );
    assertEquals(error.code, "ENOENT");
    Deno.symlinkSync(`${folder}/nowhere`, `${folder}/link`);
    await assertRejects(() => initDatastore(`${folder}/link`, SOME), PxarError);
    assertEquals(isThere(`${folder}/nowhere`), false);
  });
});

Deno.test("initDatastore() ends with its signal", async () => {
  await withDirectory(async (folder) => {
    const stop = new AbortController(), path = `${folder}/store`;
    await assertRejects(
      () =>
        initDatastore(path, {
          signal: stop.signal,
          onProgress: (made) => {
            if (made >= 2048) stop.abort(new Error("enough"));
          },
        }),
      Error,
      "enough",
    );
    assert([...Deno.readDirSync(`${path}/.chunks`)].length < 4096);
    assertStringIncludes(pbsComplaints(path).at(-1)!, "of the 65536 folders");
  }, inMemory());
});

Deno.test("pbsComplaints() says all that PBS would miss or refuse", async () => {
  await withDirectory(async (folder) => {
    const path = `${folder}/store`;
    assertEquals(pbsComplaints(path), [
      `${path} is missing, expected a folder`,
    ]);
    Deno.mkdirSync(path);
    assertStringIncludes(
      pbsComplaints(path).join("\n"),
      `${path}/.chunks is missing`,
    );
    assertStringIncludes(
      pbsComplaints(path).join("\n"),
      `${path}/.lock is missing, expected a file`,
    );
    Deno.mkdirSync(`${path}/.chunks/0000`, { recursive: true });
    Deno.mkdirSync(`${path}/.lock`);
    Deno.chmodSync(path, 0o700);
    Deno.chmodSync(`${path}/.chunks`, 0o755);
    Deno.chmodSync(`${path}/.chunks/0000`, 0o700);
    const complaints = pbsComplaints(path).join("\n");
    for (
      const words of [
        `${path} has mode 700, expected 755`,
        `${path}/.lock is missing, expected a file`,
        `${path}/.chunks has mode 755, expected 750`,
        `${path}/.chunks/0000 has mode 700, expected 750`,
        `65535 of the 65536 folders in ${path}/.chunks are missing`,
        ...Deno.uid() === 34
          ? []
          : [`${path} belongs to ${Deno.uid()}:${Deno.gid()}, expected 34:34`],
      ]
    ) assertStringIncludes(complaints, words);
  }, inMemory());
});

Deno.test("openDatastore() opens nothing but a store", async () => {
  await withDirectory(async (folder) => {
    await assertRejects(() => openDatastore(`${folder}/no`), SystemError);
    await assertRejects(
      () => openDatastore(folder),
      UnsupportedError,
      "store init",
    );
    Deno.writeTextFileSync(`${folder}/file`, "");
    await assertRejects(
      () => openDatastore(`${folder}/file`),
      UnsupportedError,
    );
    Deno.writeTextFileSync(`${folder}/.chunks`, "");
    await assertRejects(() => openDatastore(folder), UnsupportedError);
  });
});

systemTest(
  "what root writes into a store belongs to the store's owner, threads included",
  ["linux", "root"],
  async () => {
    await withDirectory(async (folder) => {
      for (const [uid, gid] of [[34, 34], [1234, 5678], [0, 0]] as const) {
        const path = `${folder}/store-${uid}`;
        await initDatastore(path, { allFolders: false, owner: { uid, gid } });
        const store = await openDatastore(path, {
          kernel,
          sync: "file",
          locks: `${folder}/locks`,
        });
        await makeSnapshot(store, snapshotOf(groupOf("h1"), 0));
        assert(chunkFiles(store).length > 0);
        for (const name of ["", ...namesIn(path)]) {
          const stat = Deno.lstatSync(`${path}${name}`);
          assertEquals([stat.uid, stat.gid], [uid, gid], name);
        }
      }
    }, inMemory());
  },
);
