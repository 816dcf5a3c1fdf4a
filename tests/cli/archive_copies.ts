// What the tests of cp, merge and convert share: a tree with all that is hard to keep, and what is in an archive.
import { assertEquals } from "../support/assert.ts";
import { pxar, type Ran, type RunOptions } from "./run.ts";

const BYTES = new TextDecoder("latin1");

/** Runs a line in a folder; the line is split at spaces. */
export function inside(folder: string) {
  return (line: string, options: RunOptions = {}): Promise<Ran> =>
    pxar(line.split(" "), { cwd: folder, ...options });
}

/** Makes `tree`, and of it `a.pxar` and the split `a.mpxar`, whose excludes are told. */
export async function makeArchives(folder: string): Promise<void> {
  const tree = `${folder}/tree`;
  await Deno.mkdir(`${tree}/etc/nginx`, { recursive: true });
  await Deno.mkdir(`${tree}/home/ann`, { recursive: true });
  await Deno.writeTextFile(`${tree}/etc/nginx/conf`, "listen\n");
  await Deno.link(`${tree}/etc/nginx/conf`, `${tree}/home/ann/link`);
  await Deno.symlink("../etc", `${tree}/home/up`);
  await Deno.writeTextFile(`${tree}/home/ann/a=b`, "");
  await Deno.utime(`${tree}/etc`, 981173106, 981173106);
  const run = inside(folder);
  assertEquals((await run("create a.pxar tree --exclude *.bak")).code, 0);
  assertEquals(
    (await run(
      "create a.mpxar tree --payload-output a.ppxar --exclude *.bak",
    )).code,
    0,
  );
}

/** The paths of an archive. */
export async function paths(
  folder: string,
  archive: string,
): Promise<string[]> {
  const { code, out, err } = await inside(folder)(`list ${archive}`);
  assertEquals([code, err], [0, ""]);
  return out.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** States that two files have the same bytes. */
export async function assertSameFiles(
  one: string,
  other: string,
): Promise<void> {
  const [a, b] = [await Deno.readFile(one), await Deno.readFile(other)];
  assertEquals(
    BYTES.decode(a) === BYTES.decode(b),
    true,
    `${one} and ${other}`,
  );
}
