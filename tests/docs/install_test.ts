// The line of the README that makes the program a command.
import { assert, assertEquals } from "../support/assert.ts";
import { ROOT } from "../../tasks/workspace.ts";

Deno.test("the README's `deno install` makes a command that runs anywhere", async () => {
  const line = /`deno (install [^`]+)`/.exec(
    (await Deno.readTextFile(`${ROOT}README.md`)).replace(/\s+/g, " "),
  )?.[1];
  assert(line);
  const folder = await Deno.makeTempDir();
  try {
    const env = { DENO_INSTALL_ROOT: folder, NO_COLOR: "1" };
    const installed = await new Deno.Command(Deno.execPath(), {
      args: line.split(" "),
      cwd: ROOT,
      env,
    }).output();
    const text = new TextDecoder();
    assertEquals(installed.code, 0, text.decode(installed.stderr));
    await Deno.mkdir(`${folder}/tree`);
    await Deno.writeTextFile(`${folder}/tree/file`, "content");
    // The script that was made looks for `deno` in the path.
    await Deno.mkdir(`${folder}/deno`);
    await Deno.symlink(Deno.execPath(), `${folder}/deno/deno`);
    for (const args of [["create", "a.pxar", "tree"], ["list", "a.pxar"]]) {
      const { code, stdout, stderr } = await new Deno.Command(
        `${folder}/bin/pxar`,
        {
          args,
          cwd: folder,
          env: { ...env, PATH: `${folder}/deno:${Deno.env.get("PATH")}` },
        },
      ).output();
      assertEquals(code, 0, text.decode(stderr));
      if (args[0] === "list") {
        assertEquals(text.decode(stdout), '"/"\n"/file"\n');
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
