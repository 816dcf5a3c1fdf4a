// `pxar find` in stores: archives, snapshots, groups, everything; versions.
import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { PBS } from "../support/official_store.ts";
import { pxar } from "./run.ts";
import { inStore, makeDays, type StorePlace } from "./stores.ts";

const DAYS = ["16", "15", "14"].map((day) =>
  `host/h1/2023-11-${day}T22:13:20Z`
);

/** Nothing but lines on standard output, or nothing but a sentence. */
async function find(
  { run }: StorePlace,
  line: string,
): Promise<string[]> {
  const { code, out, err } = await run(`find ${line}`);
  assertEquals([code, err], [0, ""], line);
  return out.trimEnd().split("\n");
}

Deno.test("find goes through a group, the newest snapshot first", () =>
  inStore(async (place) => {
    const path = '"/docs/f00.txt"';
    assertEquals(
      await find(place, "host/h1 f00*"),
      DAYS.map((day) => `${day}:root.pxar ${path}`),
    );
    for (const only of ["host/h1 --latest", "host/h1/latest", DAYS[0]]) {
      assertEquals(await find(place, `${only} f00*`), [
        `${DAYS[0]}:root.pxar ${path}`,
      ]);
    }
    const [line] = await find(place, `${DAYS[2]}:root.pxar f00* --type f`);
    assertEquals(line, `${DAYS[2]}:root.pxar ${path}`);
  }, "plain"));

Deno.test("find --long and --json tell what a catalog knows, and with --no-catalog and --uid the rest", () =>
  inStore(async (place) => {
    const where = `${DAYS[2]} /docs/f00.txt /links/abs`;
    assertEquals(await find(place, `-l ${where}`), [
      `-?????????   ?/?           2020-09-14 13:14:03     4970 ${
        DAYS[2]
      }:root.pxar "/docs/f00.txt"`,
      `l?????????   ?/?           ?                          ? ${
        DAYS[2]
      }:root.pxar "/links/abs"`,
    ]);
    const [whole] = await find(place, `-l --no-catalog ${where}`);
    assertMatch(whole!, /^-rw\S+ +1000\/2000 +2020-09-14 13:14:03 +4970 /);
    const owned = await find(place, `--uid 1000 --gid 2000 ${where}`);
    assertEquals(owned, [`${DAYS[2]}:root.pxar "/docs/f00.txt"`]);
    const json = async (line: string) =>
      JSON.parse((await find(place, `--json ${line}`)).join("\n"));
    assertEquals(await json(where), [{
      snapshot: DAYS[2],
      archive: "root.pxar",
      path: "/docs/f00.txt",
      kind: "file",
      mtime: "2020-09-14T13:14:03Z",
      secs: 1600089243,
      size: 4970,
    }, {
      snapshot: DAYS[2],
      archive: "root.pxar",
      path: "/links/abs",
      kind: "symlink",
    }]);
    const [file] = await json(`${DAYS[1]} /docs/f00.txt`);
    assertEquals([file.snapshot, file.nanos, file.uid], [
      DAYS[1],
      459814176,
      1000,
    ]);
  }, "plain"));

Deno.test("find --all goes through namespaces, --ns and --max-depth say which", () =>
  inStore(async (place) => {
    const below =
      '--ns a/b host/nsHost.1/2023-11-14T22:18:20Z:root.pxar "/f00.txt"';
    const all = await find(place, "--all f00*");
    assertEquals(all.length, 5);
    assertEquals(
      all.slice(1, 4),
      DAYS.map((day) => `${day}:root.pxar "/docs/f00.txt"`),
    );
    assertEquals(all[4], below);
    // What is printed can be typed.
    const [ns, space, ref] = below.split(" ");
    assertEquals(await find(place, `${ns} ${space} ${ref} f00*`), [
      below.slice(`${ns} ${space} `.length),
    ]);
    assertEquals(await find(place, "--all --ns a f00*"), [below]);
    assertEquals(
      (await find(place, "--all --max-depth 1 --latest f00*")).length,
      2,
    );
  }, "plain"));

Deno.test("find --versions shows each version once, with the snapshots that have it", () =>
  inStore(async (place) => {
    const line = await find(place, "host/h1 /docs/f00.txt --versions");
    assertEquals(line, [
      'f     4970 2020-09-14 13:14:03 host/h1:root.pxar "/docs/f00.txt" in 3 of 3: 2023-11-14T22:13:20Z..2023-11-16T22:13:20Z',
    ]);
    const versions = JSON.parse(
      (await find(place, "host/h1 --type f --versions --json")).join("\n"),
    ) as {
      path: string;
      secs: number;
      size: number;
      snapshots: string[];
      of: number;
    }[];
    const changed = new Map<string, number>();
    for (const { path, snapshots, of } of versions) {
      assertEquals(of, 3);
      assertEquals(snapshots, snapshots.toSorted().reverse());
      changed.set(path, (changed.get(path) ?? 0) + 1);
    }
    // What changed between the rounds, and what did not.
    const counts = new Set(changed.values());
    assertEquals([counts.has(1), counts.has(2), counts.has(4)], [
      true,
      true,
      false,
    ]);
    const seen = (await find(place, "host/h1 --type f")).length;
    assertEquals(
      versions.reduce((sum, { snapshots }) => sum + snapshots.length, 0),
      seen,
    );
    assertEquals(
      (await find(place, "--all --versions f00*")).map((one) =>
        one.replace(/ in .*/, "").slice(30).trim()
      ),
      [
        'ct/101:root.pxar "/f00.txt"',
        'host/h1:root.pxar "/docs/f00.txt"',
        '--ns a/b host/nsHost.1:root.pxar "/f00.txt"',
      ],
    );
  }, "plain"));

Deno.test("find ends with 5 where nothing fits, and says where it looked", () =>
  inStore(async ({ run, folder }) => {
    for (
      const [line, sentence] of [
        ["host/h1 nope", "there is none in host/h1\n"],
        [`${DAYS[0]} nope`, `there is none in ${DAYS[0]}\n`],
        [`${DAYS[0]}:root.pxar nope`, `none in ${DAYS[0]}:root.pxar\n`],
        ["--all nope", "there is none in the store\n"],
        ["--all --ns a nope", "there is none in namespace a\n"],
        ["vm/100 *", "there is none in vm/100\n"],
        ["host/zz *", "group host/zz: it is not in the store\n"],
        ["--all --ns zz *", "namespace zz: it is not in the store\n"],
        ["vm/100/latest *", "it has no archive, expected one (.pxar)\n"],
        [
          `${DAYS[0]}:nope.pxar x`,
          "its manifest does not list it, expected one of root.pxar, fw.conf\n",
        ],
      ] as const
    ) {
      const { code, out, err } = await run(`find ${line}`);
      assertEquals([code, out], [5, ""], line);
      assertMatch(err, /^pxar: Cannot [^\n]+\n$/);
      assertStringIncludes(err, sentence);
    }
    const { code, out } = await run("find host/h1 nope --json");
    assertEquals([code, JSON.parse(out)], [5, []]);
    // In a file, too.
    await Deno.mkdir(`${folder}/tree`);
    await run("create a.pxar tree");
    assertEquals((await run("find a.pxar nope")).code, 5);
    assertEquals((await run("find a.pxar")).out, '"/"\n');
  }, "plain"));

Deno.test("find says what it cannot use", async () => {
  for (
    const [args, sentence] of [
      [[], "WHERE is missing"],
      [["x.pxar", "--versions"], "Cannot use --versions with x.pxar"],
      [["x.pxar", "--latest"], "Cannot use --latest with x.pxar"],
      [["--all", "--max-depth", "9"], "Cannot use --max-depth 9"],
      [["host/h1/2023-11-14T22:13:20Z:", "x"], "no name is behind the colon"],
    ] as const
  ) {
    const { code, err } = await pxar(["find", ...args]);
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(err, sentence);
  }
});

Deno.test("find of many goes on behind what cannot be searched, and does not end with 0", () =>
  inStore(async ({ run, path }) => {
    await Deno.writeFile(
      `${path}/${DAYS[1]}/root.mpxar.didx`,
      new Uint8Array(5000),
    );
    const group = await run("find host/h1 f00*");
    assertEquals(group.code, 4);
    assertEquals(group.out.split("\n").length, 3);
    assertMatch(
      group.err,
      /^pxar: Cannot search host\/h1\/2023-11-15T22:13:20Z: [^\n]+\n$/,
    );
    // One alone ends with the error.
    const one = await run(`find ${DAYS[1]} f00*`);
    assertEquals([one.code, one.out], [4, ""]);
    assertMatch(one.err, /^pxar: Cannot [^\n]+\n$/);
    // Nothing found is no "nothing is there".
    assertEquals((await run("find host/h1 nope")).code, 4);
  }, "plain"));

Deno.test("find in what is encrypted needs the key, which is asked for once", () =>
  inStore(async ({ run, folder }) => {
    await Deno.copyFile(new URL("keys/enc.json", PBS), `${folder}/enc.json`);
    const env = { PBS_ENCRYPTION_PASSWORD: "vector-pass-1" };
    const found = await run("find host/h1 f00* --keyfile enc.json", { env });
    assertEquals([found.code, found.err], [0, ""]);
    assertEquals(found.out.trimEnd().split("\n").length, 3);
    const locked = await run("find host/h1 f00*");
    assertEquals([locked.code, locked.out], [3, ""]);
    assertEquals(locked.err.trimEnd().split("\n").length, 3);
    const one = await run("find host/h1/latest f00*");
    assertEquals([one.code, one.out], [7, ""]);
  }, "encrypted"));

Deno.test("find passes over what is not finished, and over archives that are none", () =>
  inStore(async ({ run, path, store }) => {
    const days = await makeDays(store, 2);
    await Deno.remove(`${path}/${days[1]}/index.json.blob`);
    const { code, out, err } = await run("find host/h1 *");
    assertEquals([code, out], [4, ""]);
    assertMatch(err, /^pxar: Cannot search host\/h1\/2023-11-14[^\n]+\n$/);
  }));
