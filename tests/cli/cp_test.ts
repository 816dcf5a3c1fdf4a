// `cp`: parts of an archive at other paths, with everything that is kept of them.
import { assertEquals, assertMatch } from "../support/assert.ts";
import {
  assertSameFiles,
  inside,
  makeArchives,
  paths,
} from "./archive_copies.ts";
import { inFolder, names } from "./run.ts";
import { inStore } from "./stores.ts";

Deno.test("cp without mappings copies the archive as it is", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    assertEquals((await run("cp a.pxar b.pxar")).code, 0);
    await assertSameFiles(`${folder}/b.pxar`, `${folder}/a.pxar`);
    const stdin = await Deno.readFile(`${folder}/a.pxar`);
    assertEquals((await run("cp - c.pxar", { stdin })).code, 0);
    await assertSameFiles(`${folder}/c.pxar`, `${folder}/a.pxar`);
    assertEquals((await run("cp a.pxar d.pxar --map /=.")).code, 0);
    await assertSameFiles(`${folder}/d.pxar`, `${folder}/a.pxar`);
    assertEquals((await run("cp a.pxar e.mpxar --map /=/")).code, 0);
    await assertSameFiles(`${folder}/e.mpxar`, `${folder}/a.mpxar`);
  });
});

Deno.test("cp --map puts parts at nested paths, keeps links and metadata", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    const made = await run(
      "cp a.pxar b.pxar --map etc=old/etc --map=/home/ann/link=/old/ --map home/up=u --json",
    );
    assertEquals([made.code, made.err], [0, ""]);
    const { target, entries, bytes, conflicts } = JSON.parse(made.out);
    assertEquals([target, entries, bytes, conflicts], ["b.pxar", 7, 7, 0]);
    assertEquals(await paths(folder, "b.pxar"), [
      "/",
      "/old",
      "/old/etc",
      "/old/etc/nginx",
      "/old/etc/nginx/conf",
      "/old/link",
      "/u",
    ]);
    const [link] = JSON.parse((await run("stat b.pxar old/link --json")).out);
    assertEquals([link.kind, link.target], ["hardlink", "old/etc/nginx/conf"]);
    const [etc] = JSON.parse((await run("stat b.pxar old/etc --json")).out);
    assertEquals(etc.mtime, "2001-02-03T04:05:06.000000000Z");
    assertEquals((await run("check b.pxar")).code, 0);

    // The first of the links is not copied: the other one is the file.
    assertEquals((await run("cp a.pxar c.pxar --map home=.")).code, 0);
    assertEquals((await run("cat c.pxar ann/link")).out, "listen\n");
  });
});

Deno.test("cp --rename copies everything, with other names for some", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    const made = await run(
      "cp a.mpxar b.pxar -q --rename /home/ann=/home/anna --rename home/up=/down",
    );
    assertEquals([made.code, made.err], [0, ""]);
    assertEquals(await paths(folder, "b.pxar"), [
      "/",
      "/down",
      "/etc",
      "/etc/nginx",
      "/etc/nginx/conf",
      "/home",
      "/home/anna",
      "/home/anna/a=b",
      "/home/anna/link",
      "/.pxarexclude-cli",
    ]);
    const [link] = JSON.parse(
      (await run("stat b.pxar home/anna/link --json")).out,
    );
    assertEquals(link.target, "etc/nginx/conf");
    const conflict = "cp a.pxar c.pxar --rename etc=home";
    assertEquals((await run(`${conflict}/up`)).code, 1);
    const decided = await run(`${conflict}/up --conflict replace`);
    assertEquals(decided.code, 0);
    assertMatch(decided.err, /^pxar: 1 conflict was decided by --conflict\n$/);
    const escaped = String
      .raw`cp a.pxar d.pxar --map home/ann/a\x3db=x --escaped`;
    assertEquals((await run(escaped)).code, 0);
    assertEquals(await paths(folder, "d.pxar"), ["/", "/x"]);
  });
});

Deno.test("cp works from a snapshot to a snapshot", async () => {
  await inStore(async ({ folder, run }) => {
    await makeArchives(folder);
    assertEquals((await run("convert a.pxar host/h1:root.pxar")).code, 0);
    const made = await run("cp host/h1:root.pxar ct/7:conf.pxar --map etc=/");
    assertEquals(made.code, 0);
    assertEquals((await run("list ct/7:conf.pxar")).out.split("\n").length, 5);
    const none = await run("cp host/h1:root.pxar ct/8:x.pxar --map none=x");
    assertEquals(none.code, 5);
    assertEquals((await run("snapshot list ct/8")).code, 5);
  });
});

Deno.test("cp says what is wrong with a mapping, and leaves nothing", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    const before = names(folder);
    for (
      const [line, exit, why] of [
        ["--map etc", 2, /there is no = in it/],
        ["--map ../etc=x", 2, /component "\.\."/],
        ["--map etc=x/../y", 2, /component "\.\."/],
        ["--rename /=x", 2, /the root has no name/],
        ["--map etc=x --rename home=y", 2, /expected one of them/],
        ["--map none=x", 5, /Cannot find "\/none"/],
        ["--map home/up=.", 1, /Cannot make a symlink the root/],
        [
          "--map etc=x --map home=x/nginx/conf",
          1,
          /Cannot merge "x\/nginx\/conf"/,
        ],
        ["--map etc=x --conflict some", 2, /expected one of error/],
      ] as const
    ) {
      const { code, err } = await run(`cp a.pxar x.pxar ${line}`);
      assertEquals(code, exit, line);
      assertMatch(err, why);
    }
    const stdin = await Deno.readFile(`${folder}/a.pxar`);
    const piped = await run("cp - x.pxar --map etc=x", { stdin });
    assertEquals(piped.code, 2);
    assertMatch(piped.err, /Cannot read - from any place/);
    assertEquals(names(folder), before);
  });
});
