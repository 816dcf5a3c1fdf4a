// The damaged archives of tests/vectors/pxar: each as `expected.ts` says, and never a byte outside the target.
import { Report } from "@pxar/fs/report";
import { assert, assertEquals } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { loadDamaged } from "../support/vectors.ts";
import { EXPECTED } from "./expected.ts";
import {
  observeAccessor,
  observeCheck,
  observeDecode,
  observeExtract,
} from "./observe.ts";

const CASES = loadDamaged();

Deno.test("every damaged archive has a row, and every row an archive", () => {
  assertEquals(CASES.length, 135);
  assertEquals(
    Object.keys(EXPECTED).sort(),
    CASES.map(({ name }) => name).sort(),
  );
  for (
    const [name, { decode, accessor, extract, why }] of Object.entries(EXPECTED)
  ) {
    const lenient = [decode, accessor].includes("accepted") ||
      extract.startsWith("ok");
    assert(
      !lenient || why !== undefined,
      `${name} is accepted without a reason`,
    );
  }
});

for (const { name, what, archive, payload } of CASES) {
  Deno.test(`damaged: ${name} (${what})`, async () => {
    const { decode, accessor, check } = EXPECTED[name]!;
    assertEquals({
      decode: await observeDecode(archive, payload),
      accessor: await observeAccessor(archive, payload),
      check: await observeCheck(archive, payload),
    }, { decode, accessor, check });
  });
}

systemTest("damaged archives are extracted as said, inside the target alone", [
  "root",
], async (t) => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/outside`);
    await Deno.writeTextFile(`${folder}/outside-file`, "untouched");
    for (const { name, archive, payload } of CASES) {
      await t.step(name, async () => {
        const target = `${folder}/target`;
        assertEquals(
          await observeExtract(archive, payload, target, new Report()),
          EXPECTED[name]!.extract,
        );
        await Deno.remove(target, { recursive: true }).catch(() => {});
        assertEquals([...Deno.readDirSync(`${folder}/outside`)], []);
        assertEquals(
          [...Deno.readDirSync(folder)].map((one) => one.name).sort(),
          ["outside", "outside-file"],
        );
        const { nlink } = await Deno.stat(`${folder}/outside-file`);
        assertEquals([
          await Deno.readTextFile(`${folder}/outside-file`),
          nlink,
        ], ["untouched", 1]);
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
