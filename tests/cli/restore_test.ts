// `restore`: what the official client restored, whole and in parts; what stands when it ends early, and what damage and keys do.
import { createHash } from "node:crypto";
import type { Bytes } from "@pxar/format/bytes";
import { type Batches, BytesContent, makeEntry } from "@pxar/format/entry";
import { readTree } from "@pxar/fs/read_tree";
import { backup } from "@pxar/transfer/backup";
import type { ExpectedStore, TreeEntry } from "../store/official.ts";
import { sorted, treeInOrder } from "../store/official_tree.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { expectedOf, PBS } from "../support/official_store.ts";
import { systemTest } from "../support/skip.ts";
import { entriesOf, utf8 } from "../transfer/trees.ts";
import { names, program } from "./run.ts";
import { inStore, type StorePlace, TIME } from "./stores.ts";

const ENV = { PBS_ENCRYPTION_PASSWORD: "vector-pass-1" };
const H1 = "host/h1/2023-11-14T22:13:20Z";

async function copyKeys(folder: string): Promise<void> {
  for (const name of ["enc.json", "pbkdf2.json"]) {
    await Deno.copyFile(new URL(`keys/${name}`, PBS), `${folder}/${name}`);
  }
}

/** What lies in a folder, in the words of the official listing. */
async function treeOf(folder: string): Promise<TreeEntry[]> {
  return sorted(await treeInOrder(readTree(folder)));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

for (const name of ["plain", "encrypted", "signonly"]) {
  systemTest(
    `restore gives what the official client restored of the store ${name}`,
    ["root"],
    () =>
      inStore(async ({ runWords, folder }) => {
        await copyKeys(folder);
        let archives = 0;
        for (const one of (expectedOf(name) as ExpectedStore).snapshots) {
          const { ns, snapshot } = one;
          const key = snapshot.includes("/nokey/")
            ? []
            : snapshot.includes("/otherkey/")
            ? ["--keyfile", "pbkdf2.json"]
            : ["--keyfile", "enc.json"];
          const where = [
            ...ns === "" ? [] : ["--ns", ns],
            ...name === "plain" ? [] : key,
          ];
          for (const [archive, expected] of Object.entries(one.archives)) {
            archives++;
            const target = `out-${archives}`, label = `${snapshot} ${archive}`;
            const words = ["restore", snapshot, archive, target, ...where];
            const { code, out, err } = await runWords(words, { env: ENV });
            assertEquals([code, out, err], [0, "", ""], label);
            const path = `${folder}/${target}`;
            if (expected.kind === "pxar") {
              assertEquals(await treeOf(path), sorted(expected.tree), label);
            } else {
              const bytes = await Deno.readFile(path);
              assertEquals(bytes.length, expected.size, label);
              assertEquals(sha256(bytes), expected.sha256, label);
              const piped = await runWords(
                ["restore", `${snapshot}:${archive}`, "-", ...where],
                { env: ENV },
              );
              assertEquals(sha256(piped.bytes), expected.sha256, label);
            }
          }
        }
        assert(archives > 2);
      }, name),
  );
}

systemTest(
  "restore to - writes one archive, whole or what patterns select",
  ["root"],
  () =>
    inStore(async ({ run, folder }) => {
      const [whole, split] = [H1, "host/h1/2023-11-15T22:13:20Z"];
      for (const snapshot of [whole, split]) {
        const to = `out-${snapshot === whole}`;
        await run(`restore ${snapshot} root.pxar ${to}`);
        const piped = await run(`restore ${snapshot} root.pxar -`);
        assertEquals([piped.code, piped.err], [0, ""]);
        await Deno.writeFile(`${folder}/${to}.pxar`, piped.bytes);
        assertEquals((await run(`extract ${to}.pxar ${to}-again`)).code, 0);
        assertEquals(
          await treeOf(`${folder}/${to}-again`),
          await treeOf(`${folder}/${to}`),
        );
        const part = await run(
          `restore ${snapshot}:root.pxar - --pattern docs/**`,
        );
        await Deno.writeFile(`${folder}/${to}-part.pxar`, part.bytes);
        const listed = await run(`list ${to}-part.pxar`);
        const lines = listed.out.trimEnd().split("\n");
        assert(lines.length > 2);
        for (const line of lines) assertMatch(line, /^"\/(docs.*)?"$/);
      }
    }, "plain"),
);

systemTest(
  "restore of a few paths gives what is selected of all",
  ["root"],
  () =>
    inStore(async ({ run, runWords, folder }) => {
      const piped = await run(`restore ${H1} root.pxar -`);
      await Deno.writeFile(`${folder}/all.pxar`, piped.bytes);
      let count = 0;
      for (
        const patterns of [
          ["/docs"],
          ["/docs/", "/nowhere"],
          ["/empty dir", "/links"],
          ["/links/hard"],
          ["/nowhere"],
        ]
      ) {
        const words = patterns.flatMap((one) => ["--pattern", one]);
        const [few, all] = [`few-${++count}`, `all-${count}`];
        const restored = await runWords(["restore", H1, few, ...words]);
        const extracted = await runWords([
          "extract",
          "all.pxar",
          all,
          ...words,
        ]);
        for (const { code, err } of [restored, extracted]) {
          if (patterns[0] === "/nowhere") {
            assertEquals(code, 5);
            assertMatch(
              err,
              /^pxar: nothing in .* matches what was asked for\n$/,
            );
          } else assertEquals([code, err], [0, ""]);
        }
        assertEquals(
          await treeOf(`${folder}/${few}`),
          await treeOf(`${folder}/${all}`),
          patterns.join(" "),
        );
      }
    }, "plain"),
);

Deno.test("restore says which archives there are, and what is missing", () =>
  inStore(async ({ run, folder }) => {
    const ct = "ct/101/2023-11-14T22:16:40Z";
    for (
      const [line, code, says] of [
        [`${ct} out`, 2, /has 2 \.pxar, expected one of .*root\.pxar/],
        ["vm/100 out", 2, /has no \.pxar, expected one of .*drive-scsi0\.img/],
        [`${ct} nope.pxar out`, 5, /Cannot find "nope\.pxar" in .*pct\.conf/],
        [`${ct}:nope.pxar out`, 5, /Cannot find "nope\.pxar"/],
        [`${ct} root out`, 2, /Cannot take archive name/],
        [`${H1} root.pxar`, 2, /TARGET is missing/],
        [`${H1}:root.pxar`, 2, /TARGET is missing/],
        [H1, 2, /TARGET is missing/],
        [`${H1}:root.pxar fw.conf out`, 2, /both root\.pxar and fw\.conf/],
        ["host/zz root.pxar out", 5, /Cannot open group host\/zz/],
        ["host/h1/2020-01-01T00:00:00Z root.pxar out", 5, /Cannot open snap/],
        ["etc.pxar out", 2, /Cannot take snapshot/],
        [`${H1} fw.conf out --pattern a`, 2, /Cannot use --pattern with fw/],
        [`${H1} fw.conf out --ignore-acls`, 2, /Cannot use --ignore-acls/],
        [`${H1} root.pxar - --allow-existing-dirs`, 2, /Cannot use --allow/],
        [`${H1} fw.conf - --json`, 2, /Cannot use --json with -/],
        [`${H1} root.pxar out --crypt-mode maybe`, 2, /expected one of none/],
        [`${H1} fw.conf .`, 2, /it is a folder's name/],
        [`${H1} fw.conf nowhere/out`, 1, /Cannot create nowhere\/out/],
      ] as const
    ) {
      const ran = await run(`restore ${line} -q`);
      assertEquals([ran.code, ran.out], [code, ""], `${line}: ${ran.err}`);
      assertMatch(ran.err, says);
      assertEquals(ran.err.trimEnd().split("\n").length, 1, ran.err);
    }
    const left = names(folder).filter((one) => !one.startsWith("pxar-cli-"));
    assertEquals(left, []);
  }, "plain"));

systemTest("restore takes a group for its newest, and the only archive", [
  "root",
], () =>
  inStore(async ({ run, folder }) => {
    for (
      const [line, target] of [
        ["host/h1/latest root.pxar a", "a"],
        ["host/h1 b", "b"],
        ["host/h1:root.mpxar.didx c", "c"],
      ] as const
    ) {
      const ran = await run(`restore ${line} --json`);
      assertEquals(ran.code, 0, ran.err);
      assertEquals(
        ran.err,
        "pxar: the newest is host/h1/2023-11-16T22:13:20Z\n",
      );
      const told = JSON.parse(ran.out);
      assertEquals([told.ns, told.snapshot, told.target, told.errors], [
        "",
        "host/h1/2023-11-16T22:13:20Z",
        target,
        0,
      ]);
      assertEquals(
        await treeOf(`${folder}/${target}`),
        await treeOf(`${folder}/a`),
      );
    }
    const file = await run("restore host/h1 fw.conf d -q --json");
    assertEquals(JSON.parse(file.out), {
      ns: "",
      snapshot: "host/h1/2023-11-16T22:13:20Z",
      archive: "fw.conf",
      target: "d",
      bytes: (await Deno.stat(`${folder}/d`)).size,
    });
    const limited = await run("restore host/h1 fw.conf e --rate 1MB -q");
    assertEquals([limited.code, limited.err], [0, ""]);
  }, "plain"));

Deno.test("restore prints the manifest, and the log that no manifest lists", () =>
  inStore(async ({ run, folder }) => {
    const manifest = await run(`restore ${H1} index.json -`);
    assertEquals([manifest.code, manifest.err], [0, ""]);
    assertEquals(JSON.parse(manifest.out)["backup-id"], "h1");
    assertEquals((await run(`restore ${H1} index.json m.json`)).code, 0);
    assertEquals(await Deno.readTextFile(`${folder}/m.json`), manifest.out);
    const log = await run("restore vm/100/2023-11-14T22:15:00Z client.log -");
    assertStringIncludes(log.out, "sample client log");
    assertEquals((await run(`restore ${H1} client.log -`)).code, 5);
    const catalog = await run(`restore ${H1} catalog.pcat1 c`);
    assertEquals([catalog.code, catalog.err], [0, ""]);
  }, "plain"));

Deno.test("restore replaces files only when told, and leaves holes in a disk", () =>
  inStore(async ({ run, folder, store }) => {
    const image = new Uint8Array(3 << 20);
    image.fill(1, 1 << 20, (1 << 20) + 5000);
    image.fill(2, 2 << 20, (2 << 20) + 4096);
    const size = image.length - 1000;
    let at = 0;
    await backup(store, [{
      archive: "disk.img",
      image: {
        read: (into) => {
          const piece = image.subarray(at, Math.min(at + into.length, size));
          into.set(piece);
          at += piece.length;
          return piece.length;
        },
        skip: undefined,
        close: undefined,
      },
      size,
    }], { type: "vm", id: "1", time: TIME, threads: 0, chunkSize: 1 << 16 });
    const line = "restore vm/1 disk.img disk -q";
    assertEquals((await run(line)).code, 0);
    const there = await Deno.stat(`${folder}/disk`);
    assertEquals(await Deno.readFile(`${folder}/disk`), image.slice(0, size));
    if (there.blocks !== null) assert(there.blocks * 512 <= 64 << 10, "holes");
    const again = await run(line);
    assertEquals(again.code, 1);
    assertMatch(again.err, /it exists, expected --overwrite to replace it\n$/);
    await Deno.writeTextFile(`${folder}/disk`, "other");
    for (const flag of ["--overwrite", "--overwrite-files"]) {
      assertEquals((await run(`${line} ${flag}`)).code, 0);
      assertEquals(await Deno.readFile(`${folder}/disk`), image.slice(0, size));
    }
    assertEquals(names(folder).filter((one) => one.includes("partial")), []);
  }));

systemTest(
  "restore writes a disk onto a block device that is large enough",
  ["loop"],
  () =>
    inStore(async ({ run, folder }) => {
      const losetup = async (...args: string[]) => {
        const { stdout } = await new Deno.Command("losetup", { args }).output();
        return new TextDecoder().decode(stdout).trim();
      };
      const disk = `${folder}/backing`, size = 10 << 20;
      for (
        const [room, code] of [[size + 4096, 0], [size - 4096, 1]] as const
      ) {
        const old = new Uint8Array(room).fill(0x55);
        await Deno.writeFile(disk, old);
        const device = await losetup("--find", "--show", disk);
        try {
          const ran = await run(`restore vm/100 drive-scsi0.img ${device} -q`);
          assertEquals(ran.code, code, ran.err);
          if (code !== 0) {
            assertMatch(
              ran.err,
              /it has \d+ bytes, expected 10485760 at least/,
            );
          }
        } finally {
          await losetup("--detach", device);
        }
        await run("restore vm/100 drive-scsi0.img image -q --overwrite");
        if (code === 0) old.set(await Deno.readFile(`${folder}/image`));
        assertEquals(await Deno.readFile(disk), old);
      }
    }, "plain"),
);

Deno.test("restore refuses what a key is missing or wrong for, before it writes", () =>
  inStore(async ({ run, folder }) => {
    await copyKeys(folder);
    for (
      const [line, code, says] of [
        ["", 7, /made with key 95:c6:f5:fa:ec:c0:06:11, .* but there is none/],
        ["--keyfile pbkdf2.json", 7, /the one at hand is f2:24:58:7f/],
        ["--keyfile none.json", 1, /Cannot read none\.json/],
        ["--keyfile enc.json --keyfd 0", 2, /expected one of them/],
        ["--crypt-mode none", 7, /but there is none/],
        ["--crypt-mode none --keyfile enc.json", 2, /Cannot use --crypt-mode/],
        ["--crypt-mode encrypt", 7, /there is no default key/],
      ] as const
    ) {
      for (const archive of ["root.pxar", "fw.conf"]) {
        const command = `restore host/h1 ${archive} out -q ${line}`;
        const ran = await run(command.trimEnd(), { env: ENV });
        assertEquals([ran.code, ran.out], [code, ""], `${line}: ${ran.err}`);
        assertMatch(ran.err, says);
        assertEquals(names(folder).includes("out"), false);
      }
    }
    const right = "--keyfile enc.json --crypt-mode encrypt";
    const ran = await run(`restore host/h1 fw.conf out -q ${right}`, {
      env: ENV,
    });
    assertEquals([ran.code, ran.err], [0, ""]);
  }, "encrypted"));

Deno.test("restore --crypt-mode demands what a key must have done", async () => {
  await inStore(async ({ run, folder }) => {
    await copyKeys(folder);
    const line = "restore host/s1 fw.conf out -q --keyfile enc.json";
    const sealed = await run(`${line} --crypt-mode encrypt`, { env: ENV });
    assertEquals(sealed.code, 4);
    assertMatch(sealed.err, /is not encrypted, expected what --crypt-mode/);
    const signed = await run(`${line} --crypt-mode sign-only`, { env: ENV });
    assertEquals([signed.code, signed.err], [0, ""]);
  }, "signonly");
  await inStore(async ({ run, folder }) => {
    await copyKeys(folder);
    const line = "restore host/h1 fw.conf out -q --keyfile enc.json";
    const ran = await run(`${line} --crypt-mode sign-only`, { env: ENV });
    assertEquals(ran.code, 4);
    assertMatch(ran.err, /it is not signed/);
    assertEquals((await run(line, { env: ENV })).code, 0);
  }, "plain");
});

/** A store with an archive of many small chunks, and a file. */
function inMade(
  work: (
    place: StorePlace & {
      readonly snapshot: string;
      /** Where the snapshot's files are. */
      readonly files: string;
    },
  ) => Promise<void>,
  mode: "legacy" | "data",
): Promise<void> {
  return inStore(async (place) => {
    const entries: Batches = [entriesOf(
      Object.fromEntries(
        Array.from({ length: 40 }, (_, i) => [`f${i + 10}`, content(i)]),
      ),
    )];
    await backup(place.store, [
      { archive: "root.pxar", entries },
      { archive: "fw.conf", bytes: utf8("allow all") },
    ], { id: "made", time: TIME, mode, chunkSize: 64 << 10, threads: 0 });
    const snapshot = "host/made/2023-11-14T22:13:20Z";
    await work({ ...place, snapshot, files: `${place.path}/${snapshot}` });
  });
}

/** Text that no other file has. */
function content(seed: number): string {
  let state = seed + 1;
  return Array.from({ length: 20_000 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16).toString(36);
  }).join("");
}

/** Paths of all chunks, the largest first. */
function chunksOf(path: string): string[] {
  const found: { path: string; size: number }[] = [];
  for (const folder of names(`${path}/.chunks`)) {
    for (const name of names(`${path}/.chunks/${folder}`)) {
      const chunk = `${path}/.chunks/${folder}/${name}`;
      found.push({ path: chunk, size: Deno.statSync(chunk).size });
    }
  }
  return found.toSorted((a, b) => b.size - a.size).map(({ path }) => path);
}

/** Each file that is there has the content that it must have; gives how many there are. */
function checkFiles(folder: string): number {
  const above = folder.slice(0, folder.lastIndexOf("/"));
  const isThere = names(above).includes(folder.slice(above.length + 1));
  const there = isThere ? names(folder) : [];
  for (const name of there) {
    assertEquals(
      Deno.readTextFileSync(`${folder}/${name}`),
      content(Number(name.slice(1)) - 10),
      name,
    );
  }
  return there.length;
}

for (const mode of ["legacy", "data"] as const) {
  Deno.test(`restore writes no wrong byte of a damaged archive (${mode})`, () =>
    inMade(async ({ run, snapshot, files, path, folder }) => {
      const line = `restore ${snapshot} root.pxar`;
      assertEquals((await run(`${line} sound --ignore-ownership -q`)).code, 0);
      assertEquals(checkFiles(`${folder}/sound`), 40);

      // Two chunks change places.
      const [one, two, three] = chunksOf(path) as [string, string, string];
      await Deno.rename(one, `${one}.x`);
      await Deno.rename(two, one);
      await Deno.rename(`${one}.x`, two);
      const swapped = await run(`${line} swapped --ignore-ownership -q`);
      assertEquals(swapped.code, 4, swapped.err);
      assertMatch(
        swapped.err,
        /Cannot read root\.p+xar\.didx of host\/made\/\S+ at byte \d+: a chunk is/,
      );
      assert(checkFiles(`${folder}/swapped`) < 40);
      await Deno.rename(one, `${one}.x`);
      await Deno.rename(two, one);
      await Deno.rename(`${one}.x`, two);

      // One is gone.
      await Deno.rename(three, `${three}.x`);
      const gone = await run(`${line} gone --ignore-ownership -q`);
      assertEquals(gone.code, 4, gone.err);
      assertMatch(gone.err, /a chunk is damaged or missing \(Cannot/);
      assert(checkFiles(`${folder}/gone`) < 40);
      await Deno.rename(`${three}.x`, three);

      // Nothing is begun where the index or the manifest is not what it must be.
      const index = mode === "legacy" ? "root.pxar.didx" : "root.ppxar.didx";
      const whole = await Deno.readFile(`${files}/${index}`);
      const manifest = await Deno.readFile(`${files}/index.json.blob`);
      const cases: [string, Bytes, RegExp][] = [
        [index, whole.slice(0, -40), /as the manifest says/],
        [index, whole.slice(0, -1), /Cannot/],
        [index, whole.slice(0, 100), /Cannot/],
        [index, flipped(whole, 4096 + 20), /as the manifest says/],
        ["index.json.blob", flipped(manifest, 50), /Cannot .*(CRC|checksum)/i],
        ["index.json.blob", manifest.slice(0, -9), /Cannot/],
      ];
      const messages = new Set<string>();
      for (const [name, bytes, says] of cases) {
        const before = await Deno.readFile(`${files}/${name}`);
        await Deno.writeFile(`${files}/${name}`, bytes);
        const ran = await run(`${line} out -q`);
        assertEquals([ran.code, ran.out], [4, ""], ran.err);
        assertMatch(ran.err, says);
        messages.add(ran.err);
        assertEquals(names(folder).includes("out"), false);
        await Deno.writeFile(`${files}/${name}`, before);
      }
      assert(messages.size >= 4, [...messages].join(""));
      // And what is sound is still restored.
      assertEquals((await run(`${line} again --ignore-ownership -q`)).code, 0);
    }, mode));
}

Deno.test("restore of a damaged disk or file leaves nothing", () =>
  inMade(async ({ run, snapshot, files, folder }) => {
    const blob = await Deno.readFile(`${files}/fw.conf.blob`);
    await Deno.writeFile(`${files}/fw.conf.blob`, flipped(blob, 14));
    const ran = await run(`restore ${snapshot} fw.conf out`);
    assertEquals([ran.code, ran.out], [4, ""]);
    assertMatch(ran.err, /as the manifest says/);
    assertEquals(names(folder).includes("out"), false);
  }, "legacy"));

Deno.test("restore refuses a manifest that was changed after it was signed", () =>
  inStore(async ({ run, folder, path, store }) => {
    await copyKeys(folder);
    const name = "host/h1/2023-11-14T22:13:20Z";
    const { openCodecs } = await import("@pxar/chunk/codecs");
    const { decodeBlob, joinBlob, sealBlob } = await import("@pxar/chunk/blob");
    const codecs = await openCodecs();
    const file = `${path}/${name}/index.json.blob`;
    const text = new TextDecoder().decode(
      await decodeBlob(await Deno.readFile(file), { codecs, key: undefined }),
    );
    assertEquals((await store.snapshots("")).length > 0, true);
    const line = `restore ${name} fw.conf out -q --keyfile enc.json`;
    for (
      const [change, says] of [
        [
          (text: string) => text.replace(/"size": (\d)/, '"size": 1$1'),
          /its signature is wrong/,
        ],
        [
          (text: string) =>
            text.replace(/"signature": "[0-9a-f]+"/, '"signature": null'),
          /it has no signature, expected one/,
        ],
        [
          (text: string) => text.replaceAll('"encrypt"', '"none"'),
          /its signature is wrong/,
        ],
      ] as const
    ) {
      const other = utf8(change(text));
      assert(other.length > 0 && change(text) !== text);
      await Deno.writeFile(file, joinBlob(await sealBlob(other, { codecs })));
      const ran = await run(line, { env: ENV });
      assertEquals([ran.code, ran.out], [4, ""], ran.err);
      assertMatch(ran.err, says);
      assertEquals(names(folder).includes("out"), false);
    }
  }, "encrypted"));

function flipped(bytes: Bytes, at: number): Bytes {
  const other = bytes.slice();
  other[at]! ^= 1;
  return other;
}

systemTest(
  "restore that is interrupted is completed by another one",
  ["unix"],
  () =>
    inStore(async ({ folder, path, store, run }) => {
      const count = 3000;
      const entries = function* (): Generator<ReturnType<typeof makeEntry>[]> {
        yield [makeEntry("directory", { mode: 0o40755 })];
        for (let i = 0; i < count; i += 100) {
          yield Array.from({ length: 100 }, (_, j) =>
            makeEntry("file", {
              name: utf8(`f${String(i + j).padStart(6, "0")}`),
              mode: 0o100644,
              uid: Deno.uid()!,
              gid: Deno.gid()!,
              content: new BytesContent(utf8(`content of ${i + j}\n`)),
            }));
        }
        yield [makeEntry("end")];
      };
      await backup(store, [{ archive: "root.pxar", entries: entries() }], {
        id: "many",
        time: TIME,
        threads: 0,
      });
      const child = program(["restore", "host/many", "out", "-q"], {
        cwd: folder,
        env: { PBS_REPOSITORY: path },
      }).spawn();
      const out = `${folder}/out`;
      while (!names(folder).includes("out") || names(out).length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      child.kill("SIGINT");
      const { code, stderr } = await child.output();
      const err = new TextDecoder().decode(stderr);
      assertEquals([code, err], [130, "pxar: Cannot finish: interrupted\n"]);
      const left = names(out).length;
      assert(left > 0 && left < count, `${left}`);
      const refused = await run("restore host/many out -q --json");
      assertEquals(refused.code, 3);
      assertEquals(JSON.parse(refused.out).errors, left);
      await Deno.remove(`${out}/f000000`);
      const done = await run(
        "restore host/many out -q --allow-existing-dirs --overwrite",
      );
      assertEquals([done.code, done.err], [0, ""]);
      const there = names(out);
      assertEquals(there.length, count);
      for (const [i, name] of there.entries()) {
        assertEquals(
          Deno.readTextFileSync(`${out}/${name}`),
          `content of ${i}\n`,
        );
      }
    }),
);
