// What ends with which code where it is easily got wrong.
import {
  BusyError,
  FormatError,
  IntegrityError,
  KeyError,
  NotFoundError,
  PxarError,
  SystemError,
  UnsupportedError,
} from "@pxar/format/errors";
import { endingOf } from "../../cli/endings.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { VECTORS } from "../support/vectors.ts";
import { mounted } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { inFolder, pxar } from "./run.ts";

const vector = (name: string) => new URL(name, VECTORS).pathname;

Deno.test("create warns of a bad line in a .pxarexclude, and ends with 0", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tree`);
    await Deno.writeTextFile(`${folder}/tree/.pxarexclude`, "[a\nleft\n");
    await Deno.writeTextFile(`${folder}/tree/left`, "");
    const made = await pxar(["create", `${folder}/a.pxar`, `${folder}/tree`]);
    assertEquals(made.code, 0, made.err);
    assertMatch(made.err, /\[a/);
    const listed = await pxar(["list", `${folder}/a.pxar`]);
    assertEquals(listed.out, '"/"\n"/.pxarexclude"\n');
  }));

systemTest(
  "extract goes on behind a damaged content, and ends with 4 in any case",
  ["linux"],
  () =>
    inFolder(async (folder) => {
      const damaged = vector("damaged/ref-size-small.mpxar");
      const all = await pxar(["extract", damaged, `${folder}/all`]);
      assertEquals(all.code, 4, all.err);
      assertEquals(
        [...Deno.readDirSync(`${folder}/all`)].map((one) => one.name),
        ["2"],
      );
      const strict = await pxar([
        "extract",
        damaged,
        `${folder}/strict`,
        "--strict",
      ]);
      assertEquals(strict.code, 4, strict.err);
      assertEquals([...Deno.readDirSync(`${folder}/strict`)], []);
      const refused = await pxar([
        "extract",
        vector("damaged/name-256.pxar"),
        `${folder}/refused`,
      ]);
      assertEquals(refused.code, 3, refused.err);
    }),
);

Deno.test("help takes one command, and options may stand before a command", async () => {
  assertEquals((await pxar(["help", "help"])).code, 0);
  assertEquals((await pxar(["help", "list", "extra"])).code, 2);
  assertEquals((await pxar(["help", "list", "--bogus"])).code, 2);
  assertMatch((await pxar(["creat", "list"])).err, /"creat"/);
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tree`);
    await Deno.writeTextFile(`${folder}/tree/a.log`, "");
    const made = await pxar([
      "--exclude",
      "*.log",
      "create",
      `${folder}/a.pxar`,
      `${folder}/tree`,
    ]);
    assertEquals(made.code, 0, made.err);
    const { out } = await pxar(["list", `${folder}/a.pxar`]);
    assert(!out.includes("a.log"), out);
  });
});

systemTest(
  "without FFI and statfs, a mounted /proc is not entered",
  ["mount"],
  () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/tree/p`, { recursive: true });
      await mounted(["-t", "proc", "none"], `${folder}/tree/p`, async () => {
        const { code, err } = await pxar(
          ["create", "a.pxar", "tree", "--all-file-systems"],
          {
            cwd: folder,
            grants: ["--no-prompt", "--allow-read", "--allow-write"],
          },
        );
        assertEquals(code, 3, err);
        assertMatch(err, /allow-sys=statfs/);
      });
      const { out } = await pxar(["list", `${folder}/a.pxar`]);
      assertEquals(out, '"/"\n"/p"\n');
    }),
);

Deno.test("every error of the library has its exit code, and its own sentence", async () => {
  const says = "Cannot do it: so it is";
  const cause = new IntegrityError("Cannot open chunk: it is another one");
  for (
    const [error, exit] of [
      [new FormatError(says), 4],
      [new UnsupportedError(says), 4],
      [new IntegrityError(says), 4],
      [new NotFoundError(says), 5],
      [new BusyError(says), 6],
      [new KeyError(says), 7],
      [new SystemError(says, { code: "EIO", errno: 5, call: "read" }), 1],
      [new PxarError(says), 1],
      [new PxarError(says, { cause }), 4],
    ] as const
  ) assertEquals(await endingOf(error), { exit, sentence: says });
});
