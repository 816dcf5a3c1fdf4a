// `deno task try`, as root or not, with and without FFI.
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { inFolder, pxar } from "./run.ts";

const TRY = new URL("../../examples/try.ts", import.meta.url).pathname;
const ROOT = Deno.build.os === "linux" && Deno.uid() === 0;

/** Where the default store is, unless a test says otherwise: beside the folder. */
function dataOf(folder: string): string {
  return `${folder.slice(0, folder.lastIndexOf("/"))}/data`;
}

async function tryOut(
  folder: string,
  options: { readonly how?: string; readonly data?: string } = {},
): Promise<{ code: number; out: string }> {
  const { how = "", data = dataOf(folder) } = options;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", TRY, folder, ...(how === "" ? [] : [how])],
    ...(ROOT && how === "--as-nobody" && { uid: 65534, gid: 65534 }),
    env: {
      XDG_DATA_HOME: data,
      // The default store is meant all the same.
      PBS_REPOSITORY: "/nowhere",
      ...(how === "--as-nobody" && { DENO_DIR: `${folder}.deno` }),
    },
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout) + text.decode(stderr) };
}

async function tree(folder: string): Promise<string> {
  const path = `${folder}/tree`;
  await Deno.mkdir(`${path}/sub/empty`, { recursive: true });
  await Deno.writeTextFile(`${path}/a.txt`, "a\n", { mode: 0o640 });
  await Deno.writeFile(`${path}/sub/b`, new Uint8Array(300_000).fill(7));
  await Deno.symlink("a.txt", `${path}/link`);
  await Deno.utime(`${path}/a.txt`, 1e9, 123456789.5);
  return path;
}

for (const how of ["", "--without-ffi", "--as-nobody"]) {
  const needs = how === "--as-nobody" ? ["root"] as const : [];
  systemTest(`try finds the copy the same ${how}`, needs, async () => {
    await inFolder(async (folder) => {
      const path = await tree(folder);
      if (how === "--as-nobody") {
        await Deno.chmod(folder, 0o777);
        await new Deno.Command("chown", { args: ["-R", "65534:65534", path] })
          .output();
      }
      const { code, out } = await tryOut(path, { how });
      assertEquals(code, 0, out);
      assertMatch(out, /6 entries backed up and restored to .*: the same\.\n/);
      assertMatch(out, /\$ pxar backup try\.pxar:/);
      assertMatch(out, /\n {2}300002 bytes read; 0 bytes not,/);
      assertMatch(out, /\n {2}\/sub\/b\n/);
      assertMatch(out, /stays in .*\/data\/pxar\/store until you remove it:\n/);
    });
  });
}

Deno.test("a second try reads nothing that has not changed, and the line it prints removes all of it", async () => {
  await inFolder(async (folder) => {
    const path = await tree(folder);
    await tryOut(path);
    await Deno.writeTextFile(`${path}/a.txt`, "changed\n");
    const { code, out } = await tryOut(path);
    assertEquals(code, 0, out);
    assertMatch(out, /\n {2}8 bytes read; 300000 bytes not,/);
    const [, line] = /\n {2}npx -y deno@[\d.]+ task pxar (.*)\n/.exec(out)!;
    assertEquals((await pxar(line!.split(" "))).code, 0);
    const store = `${dataOf(path)}/pxar/store`;
    const groups = await pxar(["groups", "--json", "--repository", store]);
    assertEquals(JSON.parse(groups.out), []);
  });
});

Deno.test("try leaves out the store that is within its folder", async () => {
  await inFolder(async (folder) => {
    const path = await tree(folder);
    await Deno.mkdir(`${path}/in`);
    const data = `${path}/in`;
    const { code, out } = await tryOut(path, { data });
    assertEquals(code, 0, out);
    assertMatch(out, /: the same\.\n/);
    assert(!out.includes("DIFFERENT"));
    assertEquals((await tryOut(path, { data })).code, 0);
  });
});

Deno.test("try names what an exclude file leaves out", async () => {
  await inFolder(async (folder) => {
    const path = await tree(folder);
    await Deno.writeTextFile(`${path}/.pxarexclude`, "b\n");
    const { code, out } = await tryOut(path);
    assertEquals(code, 0, out);
    assert(out.includes("left out by backup: /sub/b\n"));
  });
});
