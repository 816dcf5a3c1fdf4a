// `deno task try`, as root or not, with and without FFI.
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { inFolder } from "./run.ts";

const TRY = new URL("../../examples/try.ts", import.meta.url).pathname;
const ROOT = Deno.build.os === "linux" && Deno.uid() === 0;

async function tryOut(
  folder: string,
  ...more: string[]
): Promise<{ code: number; out: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", TRY, folder, ...more],
    ...(ROOT && more.includes("--as-nobody") &&
      { uid: 65534, gid: 65534, env: { DENO_DIR: `${folder}.deno` } }),
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
      const { code, out } = await tryOut(path, ...(how === "" ? [] : [how]));
      assertEquals(code, 0, out);
      assertMatch(out, /6 entries in \d+ bytes, extracted to .*: the same\.\n/);
      assertMatch(out, /\$ pxar create/);
      assertMatch(out, /\n {2}\/sub\/b\n/);
    });
  });
}

Deno.test("try names what an exclude file leaves out", async () => {
  await inFolder(async (folder) => {
    const path = await tree(folder);
    await Deno.writeTextFile(`${path}/.pxarexclude`, "b\n");
    const { code, out } = await tryOut(path);
    assertEquals(code, 0, out);
    assert(out.includes("left out by create: /sub/b\n"));
  });
});
