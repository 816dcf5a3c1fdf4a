// Commands that look into snapshots and stored files: catalog dump, index show, blob decode.
import { zstdCompressSync } from "node:zlib";
import { BLOB_MAGICS, joinBlob, sealBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { crc32 } from "@pxar/chunk/crc32";
import { digestOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import { createKeyFile, encodeKeyFile } from "@pxar/chunk/key_file";
import { makeManifest } from "@pxar/store/manifest";
import { putArchive } from "../store/contract.ts";
import type { ExpectedStore, TreeEntry } from "../store/official.ts";
import { quote } from "../../cli/names.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { expectedOf, officialOutputs, PBS } from "../support/official_store.ts";
import { base64 } from "../support/vectors.ts";
import { names } from "./run.ts";
import { inStore, makeDays, TIME } from "./stores.ts";

const TEXT = new TextEncoder();

const LETTERS: Readonly<Record<string, string>> = {
  dir: "d",
  file: "f",
  symlink: "l",
  fifo: "p",
};

/** The lines for the tree of a split archive. */
function linesOf(name: string, tree: readonly TreeEntry[]): string[] {
  return tree.flatMap(({ path, kind, size, mtime_ns, hardlink_of }) => {
    const bytes = base64(path);
    if (bytes.length === 0) return [];
    const letter = hardlink_of === undefined ? LETTERS[kind] : "h";
    assert(letter, kind);
    const shown = `${letter} "./${name}/${quote(bytes)}"`;
    if (letter !== "f") return [shown];
    const secs = Math.floor(Number(BigInt(mtime_ns) / 1_000_000n) / 1000);
    const time = new Date(secs * 1000).toISOString().replace(".000", "");
    return [`${shown} ${size} ${time}`];
  });
}

/** Lines were recorded byte by byte. */
function fromLatin1(text: string): string {
  return new TextDecoder().decode(
    Uint8Array.from(text, (letter) => letter.charCodeAt(0)),
  );
}

function treeOf(
  archives: ExpectedStore["snapshots"][number]["archives"],
  file: string,
): readonly TreeEntry[] {
  const archive = archives[file.replace(".mpxar.didx", ".pxar")];
  assert(archive?.kind === "pxar", file);
  return archive.tree;
}

for (
  const [name, keys] of [
    ["plain", {}],
    ["encrypted", { "host/otherkey": "pbkdf2" }],
    ["signonly", {}],
  ] as const
) {
  Deno.test(`catalog dump lists every snapshot of the official store ${name}`, () =>
    inStore(async ({ run, folder }) => {
      const env = { PBS_ENCRYPTION_PASSWORD: "vector-pass-1" };
      // What is found by itself, and what has to be named.
      await Deno.mkdir(`${folder}/config/proxmox-backup`, { recursive: true });
      await Deno.copyFile(
        new URL("keys/enc.json", PBS),
        `${folder}/config/proxmox-backup/encryption-key.json`,
      );
      await Deno.copyFile(
        new URL("keys/pbkdf2.json", PBS),
        `${folder}/pbkdf2.json`,
      );
      const printed = officialOutputs("catalog.txt");
      let dumps = 0, trees = 0, texts = 0;
      for (const one of (expectedOf(name) as ExpectedStore).snapshots) {
        const { ns, snapshot, archives } = one;
        const group = snapshot.slice(0, snapshot.lastIndexOf("/"));
        const key = (keys as Record<string, string>)[group];
        const ran = await run(
          `catalog dump ${snapshot}${ns === "" ? "" : ` --ns ${ns}`}${
            key === undefined ? "" : ` --keyfile ${key}.json`
          }`,
          { env },
        );
        const split = Object.keys(one.files).filter((file) =>
          file.endsWith(".mpxar.didx")
        ).sort();
        if (one.catalog_dump === undefined && split.length === 0) {
          assertEquals([ran.code, ran.out], [5, ""], ran.err);
          assertMatch(ran.err, /it has no catalog and no split archive\n$/);
          continue;
        }
        assertEquals([ran.code, ran.err], [0, ""], snapshot);
        const lines = ran.out.trimEnd().split("\n");
        if (one.catalog_dump !== undefined) {
          dumps++;
          assertEquals(lines, one.catalog_dump.map(fromLatin1), snapshot);
        } else {
          trees++;
          const expected = split.flatMap((file) =>
            linesOf(file, treeOf(archives, file))
          );
          assertEquals(lines.toSorted(), expected.toSorted(), snapshot);
        }
        const official = name === "plain"
          ? printed.get(`catalog dump ${snapshot}`)
          : undefined;
        if (official === undefined) continue;
        texts++;
        assertEquals(ran.out, official.text.replaceAll("[stderr] ", ""));
      }
      assertEquals(
        [dumps, trees, texts],
        {
          plain: [2, 3, 2],
          encrypted: [3, 3, 0],
          signonly: [1, 2, 0],
        }[name],
      );
    }, name));
}

Deno.test("catalog dump needs the right key, and takes a group for its newest", () =>
  inStore(async ({ run, folder }) => {
    for (const name of ["enc.json", "pbkdf2.json"]) {
      await Deno.copyFile(new URL(`keys/${name}`, PBS), `${folder}/${name}`);
    }
    const env = { PBS_ENCRYPTION_PASSWORD: "vector-pass-1" };
    for (
      const [line, code, says] of [
        ["host/h1", 7, "made with key 95:c6:f5:fa:ec:c0:06:11"],
        [
          "host/h1 --keyfile pbkdf2.json",
          7,
          "the one at hand is f2:24:58:7f:35:d7:05:c9",
        ],
        ["host/h1 --keyfile none.json", 1, "Cannot read none.json"],
        ["host/h1 --keyfile enc.json --keyfd 0", 2, "expected one of them"],
        ["host/zz", 5, "Cannot open group host/zz"],
        ["host/h1/2020-01-01T00:00:00Z", 5, "Cannot open snapshot"],
        ["host", 2, "Cannot take snapshot"],
        ["", 2, "Cannot take snapshot"],
      ] as const
    ) {
      const ran = await run(`catalog dump ${line}`, { env });
      assertEquals([ran.code, ran.out], [code, ""], `${line}: ${ran.err}`);
      assert(ran.err.includes(says), ran.err);
    }
    const newest = await run("catalog dump host/h1 --keyfile enc.json", {
      env,
    });
    const named = await run(
      "catalog dump host/h1/2023-11-16T22:13:20Z --keyfile enc.json",
      { env },
    );
    assertEquals([newest.code, newest.out], [0, named.out]);
    if (Deno.build.os === "windows") return;
    const piped = await run("catalog dump host/h1 --keyfd 0", {
      env,
      stdin: Deno.readFileSync(`${folder}/enc.json`),
    });
    assertEquals([piped.code, piped.out], [0, named.out], piped.err);
  }, "encrypted"));

Deno.test("catalog dump refuses damage before and in what it lists", () =>
  inStore(async ({ run }) => {
    for (
      const [id, code] of [
        ["good", 0],
        ["index-magic", 4],
        ["index-missing", 5],
        ["manifest-crc", 4],
        ["manifest-id", 4],
        ["manifest-json", 4],
        ["manifest-missing", 5],
      ] as const
    ) {
      const ran = await run(`catalog dump host/${id}/2023-11-14T22:13:20Z`);
      assertEquals(ran.code, code, `${id}: ${ran.err}`);
      if (code !== 0) assertEquals(ran.out, "");
    }
  }, "damaged"));

Deno.test("index show tells what the official vectors tell of every index", () =>
  inStore(async ({ run, path }) => {
    let compared = 0;
    for (const one of (expectedOf("plain") as ExpectedStore).snapshots) {
      const ns = one.ns === "" ? "" : ` --ns ${one.ns}`;
      for (const [file, { index: expected }] of Object.entries(one.files)) {
        if (expected === undefined) continue;
        compared++;
        const { code, out, err } = await run(
          `index show ${one.snapshot} ${file}${ns} --chunks --json`,
        );
        assertEquals([code, err], [0, ""]);
        const told = JSON.parse(out);
        assertEquals(
          told.uuid.replaceAll("-", ""),
          expected.uuid.replaceAll("-", ""),
        );
        assertEquals(told.size, expected.size);
        assertEquals(
          [told.csum, told["header-csum"], told["manifest-csum"]],
          [expected.csum, expected.csum, expected.csum],
        );
        assertEquals(
          told.chunks.map((
            { digest, start, end }: {
              digest: string;
              start: number;
              end: number;
            },
          ) => [digest, end - start]),
          expected.chunks,
        );
        assertEquals(told.count, expected.chunks.length);
        assertEquals(told.kind, file.endsWith("fidx") ? "fixed" : "dynamic");
      }
    }
    assertEquals(compared, 14);
    const image = "vm/100/2023-11-15T22:15:00Z/drive-scsi0.img.fidx";
    const alone = await run(`index show ${path}/${image} --json`, {
      env: { PBS_REPOSITORY: "" },
    });
    const newest = await run("index show vm/100 drive-scsi0.img --json");
    const { "manifest-csum": stated, ...rest } = JSON.parse(newest.out);
    assertEquals(rest, JSON.parse(alone.out));
    assertEquals([rest["chunk-size"], stated], [4194304, rest.csum]);
    const table = await run("index show vm/100 drive-scsi0.img");
    assertMatch(table.out, /│ kind +│ fixed +│\n/);
    assertMatch(table.out, /│ ctime +│ 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ +│\n/);
    const lines = await run("index show vm/100 drive-scsi0.img --chunks");
    assertMatch(
      lines.out,
      /^[0-9a-f]{64} 0 4194304\n(?:[0-9a-f]{64} \d+ \d+\n){2}$/,
    );
  }, "plain"));

Deno.test("index show tells of wrong checksums, and of names that are not there", () =>
  inStore(async ({ run }) => {
    const time = "2023-11-14T22:13:20Z";
    const header = await run(`index show host/index-csum root.ppxar --json`);
    assertEquals(header.code, 4);
    assertMatch(header.err, /^pxar: the entries have .* that of the header\n$/);
    const told = JSON.parse(header.out);
    assert(told.csum !== told["header-csum"]);
    const manifest = await run(`index show host/manifest-tamper root.ppxar`);
    assertEquals(manifest.code, 4);
    assertMatch(manifest.err, /that of the manifest\n$/);
    for (
      const [line, code, says] of [
        ["host/good root.pxar", 5, "expected one of root.ppxar, root.mpxar"],
        ["host/good nope.img", 5, "Cannot find nope.img"],
        ["host/good fw.conf", 2, "it is stored as a blob"],
        ["host/good nope", 2, "Cannot take archive name"],
        [`host/index-magic/${time} root.mpxar`, 4, "magic number"],
        [`host/index-trunc/${time} root.ppxar`, 4, "4196 bytes"],
        [`host/index-missing/${time} root.mpxar`, 5, "there is no such file"],
        ["nothing.didx", 1, "Cannot open nothing.didx"],
        ["-", 2, "expected the archive as a file"],
        ["host/good root.ppxar x", 2, "one operand too many"],
        ["", 1, "Cannot open"],
      ] as const
    ) {
      const ran = await run(`index show ${line}`);
      assertEquals([ran.code, ran.out], [code, ""], `${line}: ${ran.err}`);
      assert(ran.err.includes(says), ran.err);
    }
  }, "damaged"));

Deno.test("blob decode prints what every blob holds", () =>
  inStore(async ({ run, runWords, folder, store, path }) => {
    const codecs = await openCodecs();
    const key = CryptKey.of(new Uint8Array(32).fill(5));
    await Deno.writeTextFile(
      `${folder}/key.json`,
      encodeKeyFile(await createKeyFile(key, undefined)),
    );
    const text = TEXT.encode("line\n".repeat(50)), short = TEXT.encode("x");
    for (
      const [kind, data, with_] of [
        ["plain", short, undefined],
        ["zstd", text, undefined],
        ["encrypted", short, key],
        ["encrypted-zstd", text, key],
      ] as const
    ) {
      const blob = joinBlob(await sealBlob(data, { codecs, key: with_ }));
      const file = `${folder}/${kind}.blob`;
      await Deno.writeFile(file, blob);
      const asked = with_ === undefined ? "" : " --keyfile key.json";
      const ran = await run(`blob decode ${kind}.blob${asked}`);
      assertEquals([ran.code, ran.bytes, ran.err], [0, data, ""]);
      const told = JSON.parse(
        (await run(`blob decode ${kind}.blob --info --json${asked}`)).out,
      );
      assertEquals(
        [told.kind, told.size, told["data-size"], told.digest],
        [kind, blob.length, data.length, digestOf(data, with_).toHex()],
      );
      assertEquals(told.iv !== undefined, with_ !== undefined);
      if (with_ !== undefined) {
        const closed = await run(`blob decode ${kind}.blob --info`);
        assertMatch(closed.out, /│ tag +│ [0-9a-f]{32}/);
        assert(!closed.out.includes("digest"));
        const none = await run(`blob decode ${kind}.blob`);
        assertEquals([none.code, none.out], [7, ""], none.err);
      }
      const piped = await runWords(
        ["blob", "decode", "-", ...asked.trim().split(" ").filter(Boolean)],
        { stdin: blob },
      );
      assertEquals([piped.code, piped.bytes], [0, data]);
    }
    // A chunk and a manifest as they lie in a store.
    const [snapshot] = await makeDays(store, 1);
    const manifest = await run(
      `blob decode ${path}/${snapshot}/index.json.blob`,
    );
    assertEquals(JSON.parse(manifest.out)["backup-id"], "h1");

    const out = await run("blob decode zstd.blob -o out.txt");
    assertEquals([out.code, out.out], [0, ""]);
    assertEquals(Deno.readFileSync(`${folder}/out.txt`), text);
    const again = await run("blob decode plain.blob -o out.txt");
    assertEquals(again.code, 1);
    assertMatch(again.err, /out\.txt: it exists, expected --force/);
    assertEquals(
      (await run("blob decode plain.blob -o out.txt --force")).code,
      0,
    );
    assertEquals(Deno.readFileSync(`${folder}/out.txt`), short);
  }));

Deno.test("blob decode refuses what is no blob, too much, and what makes no sense", () =>
  inStore(async ({ run, folder }) => {
    const codecs = await openCodecs();
    const blob = joinBlob(
      await sealBlob(TEXT.encode("text text text text text"), { codecs }),
    );
    const write = (name: string, bytes: Uint8Array) =>
      Deno.writeFileSync(`${folder}/${name}`, bytes);
    write("cut.blob", blob.subarray(0, 11));
    write("flip.blob", blob.map((byte, i) => i === 20 ? byte ^ 1 : byte));
    write("other.blob", TEXT.encode("this is no blob at all"));
    write("empty.blob", new Uint8Array(0));
    write("good.blob", blob);
    await Deno.writeFile(`${folder}/huge.blob`, blob);
    await Deno.truncate(`${folder}/huge.blob`, 2 ** 27 + 45);
    for (
      const [line, code] of [
        ["cut.blob", 4],
        ["flip.blob", 4],
        ["other.blob", 4],
        ["empty.blob", 4],
        ["huge.blob", 1],
        ["nothing.blob", 1],
        [".", 1],
        ["good.blob --info -o x", 2],
        ["good.blob --json", 2],
        ["good.blob --keyfile nothing.json", 1],
        ["good.blob more", 2],
        ["", 1],
      ] as const
    ) {
      const ran = await run(`blob decode ${line}`);
      assertEquals([ran.code, ran.out], [code, ""], `${line}: ${ran.err}`);
      assertEquals(ran.err.split("\n").length, 2, ran.err);
    }
    assert(!names(folder).includes("x"));
    // As much as may come out; and a byte more, in a few bytes.
    const most = joinBlob(await sealBlob(new Uint8Array(2 ** 27), { codecs }));
    write("most.blob", most);
    const told = await run("blob decode most.blob --info --json");
    assertEquals(JSON.parse(told.out)["data-size"], 2 ** 27, told.err);
    const frame = zstdCompressSync(new Uint8Array(2 ** 27 + 1));
    const header = new DataView(new ArrayBuffer(4));
    header.setUint32(0, crc32(frame), true);
    write(
      "bomb.blob",
      Uint8Array.from([
        ...BLOB_MAGICS.zstd,
        ...new Uint8Array(header.buffer),
        ...frame,
      ]),
    );
    const bomb = await run("blob decode bomb.blob");
    assertEquals([bomb.code, bomb.out], [4, ""], bomb.err);
  }));

Deno.test("catalog dump of a split archive that is none ends with 4", () =>
  inStore(async ({ run, store }) => {
    const name = { namespace: "", type: "host", id: "h1", time: TIME } as const;
    await using writer = await store.create(name, { owner: "root@pam" });
    const file = await putArchive(writer, "root.mpxar.didx", [
      TEXT.encode("no archive, but long enough to be looked at"),
    ]);
    await writer.finish(makeManifest(name, [file]));
    const ran = await run("catalog dump host/h1");
    assertEquals([ran.code, ran.out], [4, ""], ran.err);
  }));
