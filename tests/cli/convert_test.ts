// `convert`: from one form to the other and back, files and snapshots; and the targets that it shares with cp, merge and import.
import { assertEquals, assertMatch } from "../support/assert.ts";
import {
  assertSameFiles,
  inside,
  makeArchives,
  paths,
} from "./archive_copies.ts";
import { inFolder, names, program, SIGNALS } from "./run.ts";
import { inStore } from "./stores.ts";

Deno.test("convert makes a split archive and back, byte by byte what create makes", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    const split = await run("convert a.pxar b.mpxar --json");
    assertEquals([split.code, split.err], [0, ""]);
    await assertSameFiles(`${folder}/b.mpxar`, `${folder}/a.mpxar`);
    await assertSameFiles(`${folder}/b.ppxar`, `${folder}/a.ppxar`);
    assertEquals(JSON.parse(split.out), {
      target: "b.mpxar",
      payload: "b.ppxar",
      archiveBytes: (await Deno.stat(`${folder}/a.mpxar`)).size,
      payloadBytes: (await Deno.stat(`${folder}/a.ppxar`)).size,
      entries: 9,
      bytes: 7,
    });
    const whole = await run("convert b.mpxar b.pxar -q");
    assertEquals([whole.code, whole.out, whole.err], [0, "", ""]);
    await assertSameFiles(`${folder}/b.pxar`, `${folder}/a.pxar`);
    const { mode } = await Deno.stat(`${folder}/b.pxar`);
    assertEquals(mode! & 0o777, 0o640 & ~Deno.umask());
    assertEquals(
      (await run("convert a.pxar c --payload-output d --sync -q")).code,
      0,
    );
    await assertSameFiles(`${folder}/c`, `${folder}/a.mpxar`);
    await assertSameFiles(`${folder}/d`, `${folder}/a.ppxar`);
  });
});

Deno.test("convert reads standard input and writes standard output", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    const stdin = await Deno.readFile(`${folder}/a.pxar`);
    const { code, bytes, err } = await run("convert - -", { stdin });
    assertEquals([code, err, bytes.length], [0, "", stdin.length]);
    // The list of excludes comes last: from a pipe it stays a file.
    assertEquals((await run("convert - s.mpxar", { stdin })).code, 0);
    assertEquals((await paths(folder, "s.mpxar")).at(-1), "/.pxarexclude-cli");
  });
});

Deno.test("convert replaces a file only when told, also the one that it reads", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    const refused = await run("convert a.mpxar a.pxar -q");
    assertEquals(refused.code, 1);
    assertMatch(refused.err, /expected --force to replace it\n$/);
    await Deno.copyFile(`${folder}/a.pxar`, `${folder}/b.pxar`);
    assertEquals((await run("convert b.pxar b.pxar --force")).code, 0);
    await assertSameFiles(`${folder}/b.pxar`, `${folder}/a.pxar`);
  });
});

Deno.test("convert makes snapshots of files and files of snapshots", async () => {
  await inStore(async ({ folder, run }) => {
    await makeArchives(folder);
    const time = "2023-11-14T22:13:20Z";
    const made = await run(`convert a.pxar host/h1/${time}:root.pxar --json`);
    assertEquals(made.code, 0);
    const { snapshot, namespace, chunks } = JSON.parse(made.out);
    assertEquals([snapshot, namespace, chunks], [`host/h1/${time}`, "", 2]);
    assertEquals(
      (await run(`convert host/h1/${time}:root.pxar r.pxar`)).code,
      0,
    );
    await assertSameFiles(`${folder}/r.pxar`, `${folder}/a.pxar`);

    const split = await run(
      "convert a.mpxar host/h1:root.pxar --change-detection-mode data",
    );
    assertEquals(split.code, 0);
    assertMatch(split.err, /made host\/h1\/\S+:root\.pxar\n$/);
    assertEquals(
      (await run("convert host/h1/latest:root.pxar r.mpxar")).code,
      0,
    );
    await assertSameFiles(`${folder}/r.mpxar`, `${folder}/a.mpxar`);
    await assertSameFiles(`${folder}/r.ppxar`, `${folder}/a.ppxar`);

    const again = await run(`convert a.pxar host/h1/${time}:root.pxar`);
    assertEquals(again.code === 0, false);
  });
});

Deno.test("convert encrypts a snapshot with the key that is named, and decrypts it", async () => {
  await inStore(async ({ folder, run }) => {
    await makeArchives(folder);
    assertEquals((await run("key create k --kdf none")).code, 0);
    assertEquals(
      (await run("convert a.pxar host/h1:root.pxar --keyfile k")).code,
      0,
    );
    assertEquals((await run("convert host/h1:root.pxar n.pxar")).code, 7);
    assertEquals(
      (await run(
        "convert host/h1:root.pxar host/h2:root.pxar --keyfile k --crypt-mode none",
      ))
        .code,
      0,
    );
    assertEquals((await run("convert host/h2:root.pxar p.pxar")).code, 0);
    await assertSameFiles(`${folder}/p.pxar`, `${folder}/a.pxar`);
    const none = await run(
      "convert a.pxar host/h1:root.pxar --crypt-mode encrypt",
    );
    assertEquals(none.code, 7);
  });
});

Deno.test("convert says what is wrong with a target, and leaves nothing", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    const before = names(folder);
    for (
      const [line, why] of [
        ["a.pxar x.ppxar", /expected NAME\.mpxar/],
        ["a.pxar x --payload-output x", /expected two places/],
        ["a.pxar host/h1/latest:root.pxar", /expected a new one/],
        ["a.pxar host/h1:root.mpxar", /--change-detection-mode data splits it/],
        ["a.pxar host/h1:disk.img", /expected NAME\.pxar/],
        ["a.pxar host/h1:root.pxar --force", /expected a file/],
        ["a.pxar host/h1:root.pxar --sync", /expected a file/],
        ["a.pxar host/h1:root.pxar --payload-output x", /expected a file/],
        ["a.pxar x.pxar --crypt-mode none", /expected a snapshot's/],
        ["a.pxar x.pxar --change-detection-mode data", /expected a snapshot's/],
        ["a.pxar - --json", /standard output takes the archive/],
      ] as const
    ) {
      const { code, err } = await run(`convert ${line}`);
      assertEquals(code, 2, line);
      assertMatch(err, why);
    }
    assertEquals(names(folder), before);
  });
});

Deno.test("convert of what is damaged or incomplete leaves nothing", async () => {
  await inFolder(async (folder) => {
    await makeArchives(folder);
    const run = inside(folder);
    const archive = await Deno.readFile(`${folder}/a.pxar`);
    await Deno.writeFile(`${folder}/cut.pxar`, archive.subarray(0, 700));
    await Deno.copyFile(`${folder}/a.mpxar`, `${folder}/lonely`);
    const before = names(folder);
    assertEquals((await run("convert cut.pxar x.pxar")).code, 4);
    assertEquals((await run("convert cut.pxar x.mpxar")).code, 4);
    const lonely = await run("convert lonely x.pxar");
    assertEquals(lonely.code, 2);
    assertMatch(lonely.err, /expected --payload-input FILE/);
    assertEquals((await run("convert none.pxar x.pxar")).code, 1);
    assertEquals(names(folder), before);
  });
});

for (const [signal, exit] of SIGNALS) {
  Deno.test(`convert ends with ${exit} after ${signal} and leaves nothing`, async () => {
    await inFolder(async (folder) => {
      // Standard input gives nothing, so that it is certainly at work.
      const child = program(["convert", "-", "x.mpxar"], {
        cwd: folder,
        stdin: new Uint8Array(),
      }).spawn();
      try {
        while (names(folder).length < 2) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        child.kill(signal);
        assertEquals((await child.status).code, exit);
      } finally {
        await child.stdin.close().catch(() => {});
        await child.stdout.cancel();
        await child.stderr.cancel();
      }
      assertEquals(names(folder), []);
    });
  });
}
