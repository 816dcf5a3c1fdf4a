// The 163 exclude cases on a real tree, both ways of reading it.
import { FormatError } from "@pxar/format/errors";
import { parsePattern } from "@pxar/format/pattern";
import { openLibc } from "@pxar/sys/libc";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import type { BytesContent } from "../support/entries.ts";
import {
  EXCLUDE_CASES,
  EXCLUDE_TREE,
  wantedDifference,
  wantedPaths,
} from "../support/exclude_cases.ts";
import { entryNamed, walk, withDirectory } from "../support/walks.ts";

const decoder = new TextDecoder();

function text(content: unknown): string {
  return decoder.decode((content as BytesContent).bytes);
}

for (const native of openLibc() === undefined ? [false] : [true, false]) {
  const way = native ? "by the C library" : "by Deno's own API";
  systemTest(`readTree() keeps in all exclude cases what is wanted, ${way}`, [
    "unix",
  ], () =>
    withDirectory(async (path) => {
      for (const entry of EXCLUDE_TREE) {
        if (entry.endsWith("/")) await Deno.mkdir(`${path}/${entry}`);
        else await Deno.writeTextFile(`${path}/${entry}`, "");
      }
      let ran = 0;
      for (const one of EXCLUDE_CASES) {
        const what = `${one.note}: ${JSON.stringify([one.cli, one.files])}`;
        const wanted = wantedPaths(one);
        if (wanted === undefined) {
          const said = wantedDifference(one)?.error;
          assertThrows(
            () => one.cli.map((text) => parsePattern(text)),
            FormatError,
            said,
            what,
          );
          ran++;
          continue;
        }
        for (const [file, lines] of Object.entries(one.files)) {
          await Deno.writeTextFile(`${path}/${file}`, lines);
        }
        const patterns = one.cli.map((text) => parsePattern(text));
        const { paths, entries, report } = await walk(path, {
          native,
          patterns,
        });
        const told = paths.at(-1) === ".pxarexclude-cli";
        assertEquals(paths.slice(0, told ? -1 : undefined), wanted, what);
        assertEquals(report.warnings, one.skippedLines?.length ?? 0, what);
        assertEquals(told, one.cli.length > 0, what);
        if (told && one.error === undefined) {
          assertEquals(
            text(entryNamed(entries, ".pxarexclude-cli").content),
            one.pxarexcludeCli,
            what,
          );
          const split = await walk(path, { native, patterns, prelude: true });
          assertEquals(text(split.entries[0]!.content), one.prelude, what);
        }
        for (const file of Object.keys(one.files)) {
          await Deno.remove(`${path}/${file}`);
        }
        ran++;
      }
      assertEquals(ran, 163);
    }));
}
