// Every program in examples/ runs.
import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { ROOT } from "../../tasks/workspace.ts";

const TEXT = new TextDecoder();

/** Runs an example, which must end well. */
async function run(name: string, ...args: string[]): Promise<Uint8Array> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${ROOT}examples/${name}.ts`, ...args],
    cwd: ROOT,
  }).output();
  assertEquals(code, 0, TEXT.decode(stderr));
  return stdout;
}

/** Runs the program, which must end well. */
async function pxar(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${ROOT}cli/main.ts`, ...args],
  }).output();
  assertEquals(code, 0, TEXT.decode(stderr));
  return TEXT.decode(stdout);
}

Deno.test("examples make, filter and copy", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const made = `${folder}/made.pxar`;
    await Deno.writeFile(made, await run("make_archive"));
    assertEquals(
      await pxar("list", made),
      '"/"\n"/hello.txt"\n"/link"\n"/null"\n',
    );
    assertEquals(await pxar("cat", made, "/hello.txt"), "Hello!\n");

    await Deno.mkdir(`${folder}/tree`);
    await Deno.writeTextFile(`${folder}/tree/keep`, "kept");
    await Deno.writeTextFile(`${folder}/tree/drop.tmp`, "dropped");
    await pxar("create", `${folder}/tree.pxar`, `${folder}/tree`);
    await Deno.writeFile(
      `${folder}/kept.pxar`,
      await run("filter_archive", `${folder}/tree.pxar`),
    );
    assertEquals(await pxar("list", `${folder}/kept.pxar`), '"/"\n"/keep"\n');

    const said = TEXT.decode(
      await run("backup_directory", `${folder}/tree`, `${folder}/copy`),
    );
    assertStringIncludes(said, "0 errors");
    assertEquals(await Deno.readTextFile(`${folder}/copy/keep`), "kept");
    assertEquals(await Deno.readTextFile(`${folder}/copy/drop.tmp`), "dropped");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
