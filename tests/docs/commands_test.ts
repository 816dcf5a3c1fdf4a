// Every command in README and docs/ runs as it stands there: all ```sh blocks of one page, in order, in one empty folder, with `pxar` in the path.
// Where a page says `npx -y deno@2.9.6 task`, the test runs the same task by the Deno that runs the test; `task test` and `task setup` are only looked up,
// because this is a test already and only `.ci/run` installs anything.
import { assert, assertEquals } from "../support/assert.ts";
import { COMMANDS } from "../../cli/commands.ts";
import { ROOT } from "../../tasks/workspace.ts";

const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  ...[...Deno.readDirSync(`${ROOT}docs`)].filter((one) =>
    one.isFile && one.name.endsWith(".md")
  ).map((one) => `docs/${one.name}`).sort(),
];
const TASK = /^(?:npx -y deno@[\d.]+|deno) task (\S+)/;
/** Too long for a test, or a test of their own, or an installation: only looked up. */
const LOOKED_UP = ["test", "ok", "setup", "bench", "proof", "publish", "docs"];

/** The commands of a page, block by block. */
function blocks(page: string): string[] {
  return [
    ...Deno.readTextFileSync(ROOT + page).matchAll(
      /^```sh\n([\s\S]*?)^```$/gm,
    ),
  ].map((block) => block[1]!);
}

for (const page of PAGES) {
  const commands = blocks(page);
  if (commands.length === 0) continue;
  Deno.test(`every command in ${page} runs`, async () => {
    const { tasks } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
    const folder = await Deno.makeTempDir();
    try {
      await Deno.mkdir(`${folder}/bin`);
      await Deno.writeTextFile(
        `${folder}/bin/pxar`,
        `#!/bin/sh\nexec "${Deno.execPath()}" run -A "${ROOT}cli/main.ts" "$@"\n`,
        { mode: 0o755 },
      );
      const script = commands.join("").split("\n").map((line) => {
        const task = TASK.exec(line)?.[1];
        if (task === undefined) return line;
        assert(tasks[task], `${page} names the task ${task}, which is not`);
        if (LOOKED_UP.includes(task)) return ":";
        return `(cd "${ROOT}" && "${Deno.execPath()}" ${
          line.slice(line.indexOf("task"))
        })`;
      }).join("\n");
      const { code, stdout, stderr } = await new Deno.Command("bash", {
        args: ["-euo", "pipefail", "-c", script],
        cwd: folder,
        env: {
          PATH: `${folder}/bin:${Deno.env.get("PATH")}`,
          NO_COLOR: "1",
          // The default store is nobody's real one.
          XDG_DATA_HOME: `${folder}/data`,
        },
        stdin: "null",
      }).output();
      const text = new TextDecoder();
      assertEquals(
        code,
        0,
        `${page}\n${text.decode(stdout)}\n${text.decode(stderr)}`,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("the README's tables have every command", async () => {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const rows = readme.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|")[1]!).join();
  const missing = COMMANDS.filter((name) =>
    !new RegExp(`\`${name}[\` ]`).test(rows)
  );
  assertEquals(missing, []);
});
