// What is only done on a terminal: progress, escaped names, no archive on the screen.
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { VECTORS } from "../support/vectors.ts";
import { inFolder, MAIN } from "./run.ts";

/** Runs a line of sh on a terminal of its own, which is what `script` makes; gives what the terminal got. */
async function onTerminal(folder: string, line: string): Promise<string> {
  const { stdout } = await new Deno.Command("script", {
    args: [
      "-qec",
      line.replaceAll("pxar", `"${Deno.execPath()}" run -q -A "${MAIN}"`),
      "/dev/null",
    ],
    cwd: folder,
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout).replaceAll("\x1b[K", "<clear>");
}

systemTest(
  "progress is drawn on a terminal, and nowhere else",
  ["script"],
  async () => {
    await inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/source`);
      await Deno.writeTextFile(`${folder}/source/huge`, "");
      await Deno.truncate(`${folder}/source/huge`, 2 ** 29);
      const drawn = await onTerminal(
        folder,
        "pxar create - source > /dev/null",
      );
      assertMatch(drawn, /\r2 entries, [\d.]+ MiB, [\d.]+ [MG]iB\/s<clear>/);
      assert(drawn.endsWith("\r<clear>"));
      assertEquals(
        await onTerminal(folder, "pxar create - source 2>&1 > /dev/null | cat"),
        "",
      );
      assertEquals(
        await onTerminal(folder, "pxar create - source --quiet > /dev/null"),
        "",
      );
    });
  },
);

systemTest("names are escaped on a terminal", ["script"], async () => {
  const archive = new URL("names.pxar", VECTORS).pathname;
  const shown = await onTerminal(
    "/",
    `pxar ls '${archive.replaceAll("pxar", "p''xar")}'`,
  );
  assert(shown.includes("new\\nline"), shown);
  assert(!/(?![\r\n])\p{Cc}/u.test(shown));
});

systemTest("no archive is written to a terminal", ["script"], async () => {
  await inFolder(async (folder) => {
    assertMatch(
      await onTerminal(folder, "pxar create - ."),
      /^pxar: Cannot write an archive to the terminal/,
    );
  });
});
