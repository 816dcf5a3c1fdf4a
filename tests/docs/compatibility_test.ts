// What docs/compatibility.md says there is, is there: names that packages export, tests, examples.
import { assert, assertEquals } from "../support/assert.ts";
import { ROOT } from "../../tasks/workspace.ts";

const PAGE = "docs/compatibility.md";

/** Names that a package exports, types too. */
function exportsOf(folder: string): Set<string> {
  const names = new Set<string>();
  const mod = Deno.readTextFileSync(`${ROOT}${folder}/mod.ts`);
  for (const [, file] of mod.matchAll(/^export \* from "\.\/(\w+\.ts)"/gm)) {
    const text = Deno.readTextFileSync(`${ROOT}${folder}/${file}`);
    for (
      const [, name] of text.matchAll(
        /^export (?:async )?(?:function\*?|class|const|interface|type) (\w+)/gm,
      )
    ) names.add(name!);
    for (
      const [, list] of text.matchAll(/^export (?:type )?\{([^}]*)\} from/gm)
    ) {
      for (const name of list!.matchAll(/(?:type )?(\w+)/g)) {
        names.add(name[1]!);
      }
    }
  }
  return names;
}

Deno.test("every name that stands for one of the Go library's is exported where the page says", async () => {
  const page = await Deno.readTextFile(ROOT + PAGE);
  const from = page.indexOf("## Of the Go library");
  const rows = page.slice(from, page.indexOf("\n## ", from + 1)).split("\n")
    .filter((line) => line.startsWith("| ")).slice(1)
    .map((line) => line.split("|")[2]!).filter((cell) => cell.includes("@"));
  assert(rows.length > 30);
  const missing: string[] = [];
  for (const row of rows) {
    for (const [, word] of row.matchAll(/`([A-Z]\w*|\w+\(\))`/g)) {
      const name = word!.replace("()", "");
      const isThere = [...PACKAGES].some(([folder, names]) =>
        row.includes(`@pxar/${folder}`) && names.has(name)
      );
      if (!isThere) missing.push(`${word} in: ${row.trim()}`);
    }
  }
  assertEquals(missing, []);
});

const PACKAGES = new Map(
  ["format", "codec", "chunk", "store", "transfer", "fs"].map((folder) =>
    [folder, exportsOf(folder)] as const
  ),
);

Deno.test("every file that pages of docs/ name is there", async () => {
  const missing: string[] = [];
  for (const { name } of Deno.readDirSync(`${ROOT}docs`)) {
    if (!name.endsWith(".md")) continue;
    const page = await Deno.readTextFile(`${ROOT}docs/${name}`);
    for (
      const [, path] of page.matchAll(
        /`((?:tests|examples|transfer|store|chunk|codec|format|fs|sys|cli)\/[\w./]+\.(?:ts|json|wat))`/g,
      )
    ) {
      try {
        await Deno.stat(ROOT + path);
      } catch {
        missing.push(`${path} in docs/${name}`);
      }
    }
  }
  assertEquals(missing, []);
});
