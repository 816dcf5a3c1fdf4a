// `merge`: several archives as one, and what is done about conflicts.
import { assertEquals, assertMatch } from "../support/assert.ts";
import {
  assertSameFiles,
  inside,
  makeArchives,
  paths,
} from "./archive_copies.ts";
import { inFolder, names } from "./run.ts";
import { inStore } from "./stores.ts";

/** A second tree, `b.pxar`: one file newer, one older, one new. */
async function makeOther(folder: string): Promise<void> {
  const tree = `${folder}/other`;
  await Deno.mkdir(`${tree}/etc/nginx`, { recursive: true });
  await Deno.writeTextFile(`${tree}/etc/nginx/conf`, "other\n");
  await Deno.writeTextFile(`${tree}/etc/hosts`, "new\n");
  await Deno.mkdir(`${tree}/home/up`, { recursive: true });
  await Deno.utime(`${tree}/etc/nginx/conf`, 0, 0);
  const { code } = await inside(folder)("create b.pxar other");
  assertEquals(code, 0);
}

Deno.test("merge puts archives together", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    assertEquals((await run("cp a.pxar e.pxar --map etc=etc")).code, 0);
    assertEquals(
      (await run(
        "cp a.pxar h.pxar --map home/ann=home/ann --map home/up=home/up",
      )).code,
      0,
    );
    const made = await run("merge e.pxar h.pxar m.pxar --json");
    assertEquals([made.code, made.err], [0, ""]);
    assertEquals(JSON.parse(made.out).conflicts, 0);
    assertEquals(
      await paths(folder, "m.pxar"),
      (await paths(folder, "a.pxar")).slice(0, -1),
    );
    assertEquals((await run("cat m.pxar home/ann/link")).out, "listen\n");
    assertEquals((await run("check m.pxar")).code, 0);
  });
});

Deno.test("merge of an archive with itself gives its bytes again, in either form", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    for (const policy of ["keep-first", "replace", "newest"]) {
      const how = `-q --force --conflict ${policy}`;
      assertEquals((await run(`merge a.pxar a.mpxar m.pxar ${how}`)).code, 0);
      await assertSameFiles(`${folder}/m.pxar`, `${folder}/a.pxar`);
      assertEquals((await run(`merge a.mpxar a.pxar m.mpxar ${how}`)).code, 0);
      await assertSameFiles(`${folder}/m.mpxar`, `${folder}/a.mpxar`);
      await assertSameFiles(`${folder}/m.ppxar`, `${folder}/a.ppxar`);
    }
  });
});

Deno.test("merge decides conflicts as it is told, and hardlinks keep their contents", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    await makeOther(folder);
    const run = inside(folder);
    const refused = await run("merge a.pxar b.pxar m.pxar");
    assertEquals(refused.code, 1);
    assertMatch(
      refused.err,
      /Cannot merge "etc\/nginx\/conf": it is a file in a\.pxar and a file in b\.pxar/,
    );
    for (
      const [policy, conf, up] of [
        ["keep-first", "listen\n", "symlink"],
        ["replace", "other\n", "directory"],
        ["newest", "listen\n", "directory"],
      ] as const
    ) {
      const made = await run(
        `merge a.pxar b.pxar m.pxar --force --conflict ${policy}`,
      );
      assertEquals(made.code, 0);
      assertMatch(made.err, /^pxar: 2 conflicts were decided by --conflict\n$/);
      assertEquals((await run("cat m.pxar etc/nginx/conf")).out, conf);
      assertEquals((await run("cat m.pxar home/ann/link")).out, "listen\n");
      assertEquals((await run("cat m.pxar etc/hosts")).out, "new\n");
      const [{ kind }] = JSON.parse(
        (await run("stat m.pxar home/up --json")).out,
      );
      assertEquals(kind, up);
      assertEquals((await run("check m.pxar")).code, 0);
    }
    // From a pipe the first of the links cannot be read again.
    const stdin = await Deno.readFile(`${folder}/a.pxar`);
    const piped = await run("merge - b.pxar n.pxar --conflict replace", {
      stdin,
    });
    assertEquals(piped.code, 5);
    assertMatch(piped.err, /random access/);
    assertEquals(
      (await run("merge - b.pxar m.pxar --force --conflict keep-first", {
        stdin,
      })).code,
      0,
    );
    assertEquals(names(folder).includes("n.pxar"), false);
  });
});

Deno.test("merge takes snapshots and makes them", async () => {
  await inStore(async ({ folder, run }) => {
    await makeArchives(folder);
    await makeOther(folder);
    assertEquals((await run("convert a.pxar host/h1:root.pxar")).code, 0);
    const made = await run(
      "merge host/h1/latest:root.pxar b.pxar host/h2:root.pxar --conflict newest --json",
    );
    assertEquals(made.code, 0);
    assertEquals(JSON.parse(made.out).conflicts, 2);
    assertEquals((await run("cat host/h2:root.pxar etc/hosts")).out, "new\n");
  });
});

Deno.test("merge says what is wrong with its operands", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    const before = names(folder);
    const few = await run("merge a.pxar x.pxar");
    assertEquals(few.code, 2);
    assertMatch(
      few.err,
      /TARGET is missing, expected pxar merge ARCHIVE ARCHIVE\.\.\. TARGET/,
    );
    const twice = await run("merge - - x.pxar");
    assertEquals(twice.code, 2);
    assertMatch(twice.err, /expected - once/);
    assertEquals((await run("merge a.pxar none.pxar x.pxar")).code, 1);
    assertEquals(names(folder), before);
  });
});
