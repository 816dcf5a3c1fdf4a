// `backup`: what it makes of directories, disks and files, with every option; what it refuses, and what stands when it ends early.
import { openKey } from "@pxar/chunk/master_key";
import { openKeyFile } from "@pxar/chunk/key_file";
import { hexOf } from "@pxar/chunk/digest";
import type { Bytes } from "@pxar/format/bytes";
import { readTree } from "@pxar/fs/read_tree";
import { parseSnapshot } from "@pxar/store/snapshot";
import { openSnapshot } from "@pxar/transfer/open";
import { chunkFiles, namesIn } from "../store/stores.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { comparable, gather } from "../support/entries.ts";
import { mounted, withTree } from "../support/image.ts";
import { holdLock } from "../support/lock_holder.ts";
import { PBS } from "../support/official_store.ts";
import { input } from "../support/prng.ts";
import { systemTest } from "../support/skip.ts";
import {
  inFolder,
  MAIN,
  names,
  program,
  pxar,
  type Ran,
  SIGNALS,
} from "./run.ts";
import { inStore, isRoot, type StorePlace, TIME } from "./stores.ts";

const NAME = "host/h1/2023-11-14T22:13:20Z";

/** A small tree in `source`. */
async function makeSource(folder: string): Promise<string> {
  const path = `${folder}/source`;
  await Deno.mkdir(`${path}/sub/lost+found`, { recursive: true });
  await Deno.writeTextFile(`${path}/a.txt`, "a\n");
  await Deno.writeTextFile(`${path}/b.log`, "b\n");
  await Deno.writeTextFile(`${path}/sub/c.txt`, "c\n");
  await Deno.writeTextFile(`${path}/sub/d.log`, "d\n");
  return path;
}

/** A store with that tree beside it. */
function withSource(work: (place: StorePlace) => Promise<void>): Promise<void> {
  return inStore(async (place) => {
    await makeSource(place.folder);
    await work(place);
  });
}

/** The one sentence that a command which failed has said. */
function sentence({ code, out, err }: Ran, exit: number): string {
  assertEquals([code, out], [exit, ""], err);
  assertMatch(err, /^pxar: [^\n]+\n$/);
  return err;
}

/** Paths in an archive of a snapshot. */
async function paths(
  { runWords }: StorePlace,
  archive: string,
): Promise<string[]> {
  const { out, err, code } = await runWords(["list", archive]);
  assertEquals(code, 0, err);
  return out.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** Snapshots that are in the store, unfinished ones too. */
function snapshots(path: string): string[] {
  return namesIn(path).filter((name) =>
    /^\/(ns\/\w+\/)*(host|vm|ct)\/[^/]+\/\d[^/]+$/.test(name)
  ).map((name) => name.slice(1));
}

Deno.test("backup refuses sources that are not there, or not of the kind that their names say, and writes nothing", () =>
  withSource(async ({ folder, path, run }) => {
    await Deno.writeTextFile(`${folder}/empty`, "");
    const before = namesIn(path);
    const cases: [string, number, RegExp][] = [
      ["", 2, /SPEC is missing/],
      ["nonsense", 2, /Cannot take backup source/],
      ["root.pxar:", 2, /Cannot take backup source/],
      ["root.tar:source", 2, /Cannot take backup source/],
      ["../x.pxar:source", 2, /Cannot take backup source/],
      [
        "root.pxar:source root.pxar:source/sub",
        2,
        /another source has that name/,
      ],
      ["root.pxar:nowhere", 1, /^pxar: Cannot back up nowhere: no such file/],
      ["root.pxar:source x.conf:nowhere", 1, /Cannot back up nowhere/],
      [
        "root.pxar:source/a.txt",
        1,
        /source\/a\.txt: expected a directory, as .* ends in \.pxar/,
      ],
      [
        "fw.conf:source",
        1,
        /Cannot back up source: expected a file, as .* \.conf/,
      ],
      [
        "fw.log:source",
        1,
        /Cannot back up source: expected a file, as .* \.log/,
      ],
      ["disk.img:source", 1, /expected a file or block device/],
      ["disk.img:/dev/null", 1, /expected a file or block device/],
      ["disk.img:empty", 1, /Cannot back up empty: it is empty/],
      [
        "client.log:source/b.log",
        2,
        /b\.log as client\.log: .* expected another name/,
      ],
      ["root.pxar:source --chunk-size 0", 2, /--chunk-size/],
      [
        "root.pxar:source --chunk-size 63",
        2,
        /expected a power of two from 64 to 4096/,
      ],
      ["root.pxar:source --chunk-size 8192", 2, /expected a power of two/],
      ["root.pxar:source --chunk-size 100", 2, /expected a power of two/],
      ["root.pxar:source --chunk-size x", 2, /--chunk-size/],
      ["root.pxar:source --backup-type tape", 2, /expected one of/],
      ["root.pxar:source --backup-id a/b", 2, /Cannot take backup id/],
      [
        "root.pxar:source --backup-time 0",
        2,
        /Cannot take backup time: it is 0/,
      ],
      [
        "root.pxar:source --backup-time 999999999999999",
        2,
        /Cannot take backup time/,
      ],
      ["root.pxar:source --owner root", 2, /Cannot take user "root"/],
      ["root.pxar:source --ns a//b", 2, /Cannot take namespace/],
      [
        "root.pxar:source --ns office",
        5,
        /Cannot open namespace office: it is not in the store/,
      ],
      [
        "root.pxar:source --ns office --dry-run",
        5,
        /Cannot open namespace office/,
      ],
      [
        "root.pxar:source --change-detection-mode all",
        2,
        /expected one of legacy/,
      ],
      [
        "root.pxar:source --crypt-mode none --keyfile k",
        2,
        /--crypt-mode none with a key/,
      ],
      [
        "root.pxar:source --crypt-mode none --master-pubkey-file k",
        2,
        /with a master key/,
      ],
      ["root.pxar:source --crypt-mode encrypt", 7, /there is no default key/],
      ["root.pxar:source --crypt-mode sign-only", 7, /there is no default key/],
      ["root.pxar:source --master-pubkey-file k", 7, /Cannot use a master key/],
      ["root.pxar:source --keyfile k --keyfd 0", 2, /--keyfile with --keyfd/],
      ["root.pxar:source --keyfile nowhere", 1, /nowhere/],
      ["root.pxar:source --exclude [a", 2, /Cannot read pattern/],
      ["root.pxar:source --exclude-from nowhere", 1, /nowhere/],
      ["root.pxar:source --entries-max 0", 2, /--entries-max 0: expected 1/],
      [
        "root.pxar:source --entries-max 2",
        1,
        /at most 2 \(the option entries-max\)/,
      ],
      ["root.pxar:source --include-dev nowhere", 1, /nowhere/],
    ];
    for (const [line, code, says] of cases) {
      const ran = await run(
        `backup ${line} -q --backup-id h1`.replace(
          /(--backup-id a\/b) -q --backup-id h1/,
          "$1",
        ).replace(/  +/, " "),
      );
      assertMatch(sentence(ran, code), says, line);
    }
    assertEquals(
      namesIn(path).filter((name) => !/^\/host(\/h1(\/owner)?)?$/.test(name)),
      before,
    );
  }));

Deno.test("backup leaves out what it is told to, in order, and tells it in the archive", () =>
  withSource(async (place) => {
    const { folder, runWords } = place;
    await Deno.writeTextFile(`${folder}/rules`, "# logs\n*.log\n!/b.log\n");
    let time = TIME;
    const kept = async (...words: string[]) => {
      const ran = await runWords([
        "backup",
        "root.pxar:source",
        "--backup-id",
        "h1",
        "--backup-time",
        `${++time}`,
        "-q",
        ...words,
      ]);
      assertEquals([ran.code, ran.err], [0, ""]);
      return (await paths(place, "host/h1/latest:root.pxar")).slice(1).filter((
        path,
      ) => path !== "/.pxarexclude-cli");
    };
    const all = [
      "/a.txt",
      "/b.log",
      "/sub",
      "/sub/c.txt",
      "/sub/d.log",
      "/sub/lost+found",
    ];
    const without = (...names: string[]) =>
      all.filter((path) => !names.includes(path));
    assertEquals(await kept(), all);
    assertEquals(
      await kept("--exclude", "*.log"),
      without("/b.log", "/sub/d.log"),
    );
    assertEquals(await kept("--exclude-from", "rules"), without("/sub/d.log"));
    assertEquals(
      await kept("--exclude-from", "rules", "--exclude", "*.log"),
      without("/b.log", "/sub/d.log"),
    );
    assertEquals(
      await kept("--exclude", "*.log", "--exclude-from", "rules"),
      without("/sub/d.log"),
    );
    assertEquals(
      await kept("--skip-lost-and-found"),
      without("/sub/lost+found"),
    );
    assertEquals(
      await kept("--escaped", "--exclude", "/a\\x2etxt"),
      without("/a.txt"),
    );
    await Deno.writeTextFile(`${folder}/source/.pxarexclude`, "c.txt\n");
    assertEquals(
      await kept("--change-detection-mode", "data", "--exclude", "/a.txt"),
      ["/.pxarexclude", ...without("/a.txt", "/sub/c.txt")],
    );
    // A split archive has a prelude for it.
    const info = await runWords(["info", "host/h1/latest:root.pxar"]);
    assertStringIncludes(info.out, "/a.txt");
  }));

systemTest(
  "backup stays on a source's file system unless told",
  ["mount"],
  () =>
    withSource(async (place) => {
      const { folder, runWords } = place;
      let time = TIME;
      const kept = async (left: number, ...words: string[]) => {
        const ran = await runWords([
          "backup",
          "root.pxar:source",
          "--backup-id",
          "h1",
          "--backup-time",
          `${++time}`,
          "-q",
          ...words,
        ]);
        assertEquals(ran.code, 0, ran.err);
        // What is left out is named.
        const said = ran.err.split("\n").filter((line) => line !== "");
        assertEquals(said.length, left, ran.err);
        for (const line of said) assertMatch(line, /another file system/);
        return (await paths(place, "host/h1/latest:root.pxar")).filter((path) =>
          path.includes("mnt")
        );
      };
      for (const name of ["mnt1", "mnt2"]) {
        await Deno.mkdir(`${folder}/source/${name}`);
      }
      await mounted(["-t", "tmpfs", "none"], `${folder}/source/mnt1`, () =>
        mounted(["-t", "tmpfs", "none"], `${folder}/source/mnt2`, async () => {
          for (const name of ["mnt1", "mnt2"]) {
            await Deno.writeTextFile(`${folder}/source/${name}/x`, "");
          }
          assertEquals(await kept(2), ["/mnt1", "/mnt2"]);
          assertEquals(await kept(1, "--include-dev", "source/mnt2"), [
            "/mnt1",
            "/mnt2",
            "/mnt2/x",
          ]);
          assertEquals(await kept(0, "--all-file-systems"), [
            "/mnt1",
            "/mnt1/x",
            "/mnt2",
            "/mnt2/x",
          ]);
        }));
    }),
);

Deno.test("backup names the snapshot as it is told, or after this machine and the time", () =>
  withSource(async ({ path, run, store }) => {
    await store.createNamespace("office");
    const named = await run(
      `backup root.pxar:source --backup-type ct --backup-id 101 --backup-time ${TIME} --ns office --owner alice@pbs!t1 -q`,
    );
    assertEquals([named.code, named.out, named.err], [
      0,
      "ct/101/2023-11-14T22:13:20Z\n",
      "",
    ]);
    assertEquals(snapshots(path), ["ns/office/ct/101/2023-11-14T22:13:20Z"]);
    const [info] = await store.snapshots("office");
    assertEquals([info!.finished, info!.owner], [true, "alice@pbs!t1"]);
    // The owner stays, and nobody else gets in.
    const line =
      "backup root.pxar:source --backup-type ct --backup-id 101 --ns office -q";
    assertEquals((await run(line)).code, 0);
    assertMatch(
      sentence(await run(`${line} --owner bob@pbs`), 1),
      /it belongs to alice@pbs!t1, not to bob@pbs/,
    );
    assertMatch(
      sentence(await run(`${line} --backup-time ${TIME}`), 1),
      /the last one of its group is .*, expected a later time/,
    );
    assertMatch(
      sentence(
        await run(
          `${line} --backup-time ${TIME} --dry-run --change-detection-mode metadata`,
        ),
        1,
      ),
      /expected a later time/,
    );

    const start = Math.floor(Date.now() / 1000);
    const { code, out } = await run("backup root.pxar:source -q");
    assertEquals(code, 0);
    const { type, id, time } = parseSnapshot(out.trim());
    assertEquals([type, id], ["host", Deno.hostname()]);
    assert(time >= start && time <= Date.now() / 1000);
    assertEquals((await store.groups(""))[0]!.owner, "root@pam");
  }));

Deno.test("backup makes the default store, names it once, and says where that is", () =>
  inFolder(async (folder) => {
    await makeSource(folder);
    // Locks go by the names of stores, and this one's is everybody's.
    const id = folder.slice(folder.lastIndexOf("/") + 1);
    const env = {
      XDG_DATA_HOME: `${folder}/data`,
      XDG_CONFIG_HOME: `${folder}/config`,
      PBS_REPOSITORY: "",
    };
    const run = (line: string) => pxar(line.split(" "), { cwd: folder, env });
    assertMatch(
      sentence(await run("backup root.pxar:source --dry-run"), 5),
      /nothing is in .*\/data\/pxar\/store yet, expected a first backup/,
    );
    assertEquals(names(folder), ["source"]);
    const first = await run(`backup root.pxar:source --backup-id ${id} -q`);
    const isWeak = !isRoot();
    assertEquals(first.code, 0, first.err);
    assert(
      first.err.startsWith(
        `pxar: made the datastore ${folder}/data/pxar/store, as none was named\n`,
      ),
      first.err,
    );
    if (!isWeak) assertEquals(first.err.trimEnd().split("\n").length, 1);
    assertEquals((await Deno.stat(`${folder}/data/pxar`)).mode! & 0o777, 0o700);
    const second = await run(`backup root.pxar:source --backup-id ${id}`);
    assertEquals(second.code, 0);
    assert(!second.err.includes("made the datastore"));
    assertMatch(second.err, /stored in \S+\/data\/pxar\/store, in/);
    assertEquals(snapshots(`${folder}/data/pxar/store`).length, 2);
  }));

Deno.test("backup tells as JSON what it did, and what was read and reused; quiet says only the name", () =>
  withSource(async ({ folder, path, run, store }) => {
    // So much that the markers at both ends of the payload are next to nothing.
    await Deno.writeFile(`${folder}/source/z`, new Uint8Array(20_000));
    await Deno.writeFile(
      `${folder}/disk`,
      input({ kind: "xorshift32", seed: 1, size: 100_000 }),
    );
    const line =
      "backup root.pxar:source disk.img:disk fw.conf:source/a.txt --backup-id h1 --change-detection-mode metadata";
    const first = await run(`${line} --backup-time ${TIME} --json`);
    assertEquals([first.code, first.err], [0, ""]);
    const { duration, archives, ...told } = JSON.parse(first.out);
    assert(duration >= 0);
    assertEquals([
      told.snapshot,
      told.namespace,
      told.store,
      told.dryRun,
      told.previous,
    ], [NAME, "", path, false, undefined]);
    assertEquals([told.entries, told.files, told.bytesRead, told.bytesReused], [
      8,
      5,
      20_008 + 100_000 + 2,
      0,
    ]);
    assertEquals([told.warnings, told.problems, told.losses], [0, [], {}]);
    assertEquals(archives.map((one: { archive: string }) => one.archive), [
      "root.pxar",
      "disk.img",
      "fw.conf",
    ]);
    assertEquals(told.chunksNew, chunkFiles(store).length);

    const before = namesIn(path);
    const dry = JSON.parse((await run(`${line} --dry-run --json`)).out);
    assertEquals([
      dry.dryRun,
      dry.previous,
      dry.filesReused,
      dry.bytesReused,
      dry.bytesNew,
    ], [true, NAME, 5, 20_008, 0]);
    assertEquals(namesIn(path), before);
    const said = await run(`${line} --dry-run`);
    assertMatch(said.out, /^would make host\/h1\/\S+\n$/);
    assertMatch(
      said.err,
      /^pxar: root\.pxar: 8 entries, 0 bytes to be read, 5 files with 19\.5 KiB unchanged\npxar: disk\.img: 97\.7 KiB to be read\npxar: fw\.conf: 2 bytes to be read\npxar: nothing was written to \S+; that took \S+ s\n$/,
    );

    const quiet = await run(`${line} -q`);
    assertEquals([quiet.code, quiet.err], [0, ""]);
    assertMatch(quiet.out, /^host\/h1\/\S+Z\n$/);
    const loud = await run(`${line} --rate 10MB --burst 20MB`);
    assertEquals(loud.code, 0);
    assertMatch(
      loud.err,
      /^pxar: --rate and --burst change nothing: the store is a folder\npxar: root\.pxar: 8 entries, 0 bytes read, 5 files with 19\.5 KiB unchanged\n/,
    );
    assertEquals(snapshots(path).length, 3);
    // What was reused of is not there any more: all is read, and it is said why.
    for (const snapshot of snapshots(path)) {
      const index = `${path}/${snapshot}/root.ppxar.didx`,
        bytes = await Deno.readFile(index);
      bytes[4096 + 20]! ^= 1;
      await Deno.writeFile(index, bytes);
    }
    const again = await run(`${line} -q`);
    assertEquals(again.code, 0);
    assertMatch(
      again.err,
      /^pxar: root\.pxar of host\/h1\/\S+ is not reused, or not all of it: .*as the manifest says.*\n$/,
    );
  }));

systemTest(
  "backup takes disks from files with holes and from block devices, whole",
  ["loop"],
  () =>
    inStore(async ({ folder, run }) => {
      const size = (9 << 20) + 512, bytes = new Uint8Array(size);
      bytes.set(input({ kind: "xorshift32", seed: 3, size: 70_000 }), 5 << 20);
      bytes[size - 1] = 1;
      await Deno.writeFile(`${folder}/disk`, new Uint8Array());
      using file = await Deno.open(`${folder}/disk`, { write: true });
      for (
        const [at, to] of [[5 << 20, (5 << 20) + 70_000], [
          size - 1,
          size,
        ]] as const
      ) {
        await file.seek(at, Deno.SeekMode.Start);
        await file.write(bytes.subarray(at, to));
      }
      const losetup = async (...args: string[]) => {
        const { stdout } = await new Deno.Command("losetup", { args }).output();
        return new TextDecoder().decode(stdout).trim();
      };
      const device = await losetup("--find", "--show", `${folder}/disk`);
      try {
        let chunks: number | undefined;
        for (
          const [source, more] of [["disk", ""], [device, ""], [
            "disk",
            " --chunk-size 64",
          ]] as const
        ) {
          const ran = await run(
            `backup disk.img:${source} --backup-type vm --backup-id 1 --json${more}`,
          );
          assertEquals([ran.code, ran.err], [0, ""]);
          const told = JSON.parse(ran.out);
          assertEquals([told.bytesRead, told.entries], [size, 0]);
          if (more === "") {
            assertEquals(told.chunks, 3);
            assertEquals(told.chunksNew, chunks === undefined ? 3 : 0);
            chunks = told.chunks;
          } else assertEquals(told.chunks, Math.ceil(size / 65536));
          const back = await run("restore vm/1 disk.img - -q");
          assertEquals([back.code, back.err], [0, ""]);
          assertEquals(await sha256(back.bytes), await sha256(bytes));
        }
      } finally {
        await losetup("--detach", device);
      }
    }),
);

async function sha256(bytes: Bytes): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

Deno.test("backup reads a file whatever it is: one without a byte, or a pipe", () =>
  inStore(async ({ folder, run, runWords }) => {
    await Deno.writeTextFile(`${folder}/empty`, "");
    const made = await runWords([
      "backup",
      "e.conf:empty",
      "p.log:/dev/stdin",
      "--backup-id",
      "h1",
      "-q",
    ], { stdin: new TextEncoder().encode("from a pipe") });
    assertEquals([made.code, made.err], [0, ""]);
    assertEquals((await run("restore host/h1 e.conf -")).out, "");
    assertEquals((await run("restore host/h1 p.log -")).out, "from a pipe");
  }));

Deno.test("backup leaves the store out of its own source, and refuses the store itself", () =>
  withSource(async (place) => {
    const { path, run, name, folder } = place;
    const made = await run("backup all.pxar:. --backup-id h1");
    assertEquals(made.code, 0, made.err);
    assertMatch(made.err, /^pxar: \. is read without the store in it\n/);
    const found = await paths(place, "host/h1/latest:all.pxar");
    assert(found.includes("/source/sub/c.txt"));
    assertEquals(found.filter((path) => path.startsWith(`/${name}`)), []);
    await Deno.symlink(name, `${folder}/link`);
    for (
      const source of [path, name, "link", `${name}/host`, `${name}/.chunks`]
    ) {
      assertMatch(
        sentence(await run(`backup s.pxar:${source} -q --backup-id h2`), 1),
        /it is the store itself or lies in it/,
      );
    }
    assertEquals(snapshots(path).length, 1);
  }));

Deno.test("backup --crypt-mode and the keys: named, from a descriptor, the default one, and with a master key", () =>
  withSource(async ({ folder, path, run, runWords, store }) => {
    const key = (await openKeyFile(
      await Deno.readTextFile(new URL("keys/none.json", PBS)),
    )).key;
    for (const name of ["none.json", "enc.json", "master-public.pem"]) {
      await Deno.copyFile(new URL(`keys/${name}`, PBS), `${folder}/${name}`);
    }
    const config = `${folder}/config/proxmox-backup`;
    await Deno.mkdir(config, { recursive: true });
    const withDefaults = async (
      work: () => Promise<void>,
      ...from: [string, string][]
    ) => {
      for (const [name, as] of from) {
        await Deno.copyFile(`${folder}/${name}`, `${config}/${as}`);
      }
      await work();
      for (const [, as] of from) await Deno.remove(`${config}/${as}`);
    };
    let time = TIME;
    const made = async (line: string, mode: string, hasMaster = false) => {
      const words =
        `backup root.pxar:source fw.conf:source/a.txt --backup-id h1 -q --backup-time ${++time}`
          .split(" ");
      const ran = await runWords([
        ...words,
        ...line.split(" ").filter((word) => word !== ""),
      ], { stdin: await Deno.readFile(`${folder}/none.json`) });
      assertEquals([ran.code, ran.err], [0, ""], line);
      const name = parseSnapshot(ran.out.trim());
      await using snapshot = await openSnapshot(store, name, {
        key,
        threads: 0,
      });
      const { manifest } = snapshot;
      assertEquals(
        [...new Set(manifest.files.map(({ cryptMode }) => cryptMode))],
        [mode],
        line,
      );
      assertEquals(manifest.signature === undefined, mode === "none");
      assertEquals(
        new TextDecoder().decode(await snapshot.blob("fw.conf")),
        "a\n",
      );
      const locked = manifest.files.some(({ name }) =>
        name === "rsa-encrypted.key.blob"
      );
      assertEquals(locked, hasMaster, line);
      if (locked) {
        const opened = await openKey(
          await snapshot.blob("rsa-encrypted.key.blob"),
          await Deno.readTextFile(new URL("keys/master-private.pem", PBS)),
          "vector-pass-2",
        );
        assertEquals(hexOf(opened.key.key), hexOf(key.key));
      }
      const plain = await run(
        `restore ${ran.out.trim()} root.pxar out -q --allow-existing-dirs --overwrite`,
        { env: { XDG_CONFIG_HOME: `${folder}/nowhere` } },
      );
      assertEquals(plain.code, mode === "none" ? 0 : 7, line);
    };
    await made("", "none");
    await made("--crypt-mode none", "none");
    await made("--keyfile none.json", "encrypt");
    await made("--keyfile none.json --crypt-mode sign-only", "sign-only");
    await made("--keyfd 0", "encrypt");
    await made(
      "--keyfile none.json --master-pubkey-file master-public.pem",
      "encrypt",
      true,
    );
    await made(
      "--keyfile none.json --master-pubkey-file master-public.pem --crypt-mode sign-only",
      "sign-only",
      true,
    );
    await withDefaults(async () => {
      await made("--crypt-mode none", "none");
      await made("--crypt-mode sign-only", "sign-only");
    }, ["none.json", "encryption-key.json"]);
    await withDefaults(
      async () => {
        await made("", "encrypt", true);
      },
      ["none.json", "encryption-key.json"],
      ["master-public.pem", "master-public.pem"],
    );
    const count = snapshots(path).length;
    const line = "backup root.pxar:source --backup-id h1 -q";
    for (
      const [more, code, says, env] of [
        ["--keyfile enc.json", 7, /Cannot ask for passphrase of the key/, {}],
        ["--keyfile enc.json", 7, /passphrase/, {
          PBS_ENCRYPTION_PASSWORD: "wrong-one",
        }],
        ["--keyfile source/a.txt", 4, /it is not JSON/, {}],
        [
          "--keyfile none.json --master-pubkey-file source/a.txt",
          4,
          /it is not PEM/,
          {},
        ],
        [
          "--keyfile none.json --master-pubkey-file a --master-pubkey-fd 0",
          2,
          /expected one of them/,
          {},
        ],
      ] as const
    ) {
      assertMatch(sentence(await run(`${line} ${more}`, { env }), code), says);
    }
    assertEquals(snapshots(path).length, count);
  }));

Deno.test("backup waits for nobody: garbage is collected, or another backup is under way", () =>
  withSource(async ({ path, run, store }) => {
    if (store.kernel === undefined) return;
    const line = "backup root.pxar:source -q", one = `${line} --backup-id h1`;
    {
      await using _other = await store.create({
        namespace: "",
        type: "host",
        id: "h1",
        time: TIME,
      }, { owner: "root@pam" });
      assertMatch(sentence(await run(one), 6), /Cannot lock|another/);
      assertEquals((await run(`${line} --backup-id h2`)).code, 0);
    }
    {
      await using holder = await holdLock(`${path}/.lock`, "record exclusive");
      assert(holder.held);
      assertMatch(
        sentence(await run(one), 6),
        /garbage is being collected there/,
      );
      // Looking changes nothing.
      assertEquals((await run(`${one} --dry-run`)).code, 0);
    }
    assertEquals((await run(one)).code, 0);
  }));

for (const [signal, exit] of SIGNALS) {
  systemTest(
    `${signal} during backup leaves no snapshot, and the next run finds its chunks`,
    ["unix"],
    () =>
      withSource(async ({ folder, path, run, store }) => {
        await Deno.writeFile(
          `${folder}/source/data`,
          input({ kind: "xorshift32", seed: 5, size: 8 << 20 }),
        );
        await Deno.writeTextFile(`${folder}/source/huge`, "");
        await Deno.truncate(`${folder}/source/huge`, 2 ** 38);
        const words = "backup root.pxar:source --backup-id h1 --chunk-size 64"
          .split(" ");
        const child = program(words, {
          cwd: folder,
          env: { PBS_REPOSITORY: path },
        }).spawn();
        await until(() => chunkFiles(store).length > 50);
        child.kill(signal);
        const { code, stdout, stderr } = await child.output();
        const text = new TextDecoder();
        assertEquals([code, text.decode(stdout)], [exit, ""]);
        assertMatch(text.decode(stderr), /pxar: Cannot finish: [\w ]+\n$/);
        assertEquals(snapshots(path), []);
        assertEquals(await store.snapshots(""), []);
        assertEquals(
          chunkFiles(store).filter(({ kind }) => kind !== "chunk"),
          [],
        );
        await Deno.remove(`${folder}/source/huge`);
        const next = await run(`${words.join(" ")} --json`);
        assertEquals([next.code, next.err], [0, ""]);
        const { chunks, chunksNew } = JSON.parse(next.out);
        assert(chunksNew < chunks - 40, `${chunksNew} of ${chunks}`);
        assertEquals((await run("verify")).code, 0);
      }),
  );
}

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5));
}

systemTest(
  "backup by an ordinary user: what may not be read is named and does not change the exit code, but with --strict",
  ["root"],
  () =>
    inFolder(async (folder) => {
      const source = await makeSource(folder);
      await Deno.chmod(folder, 0o777);
      await new Deno.Command("chown", { args: ["-R", "65534:65534", source] })
        .output();
      await Deno.chmod(`${source}/a.txt`, 0);
      await Deno.chown(`${source}/a.txt`, 0, 0);
      const run = async (...args: string[]) => {
        const { code, stdout, stderr } = await new Deno.Command(
          Deno.execPath(),
          {
            args: [
              "run",
              "-q",
              "--no-prompt",
              "-A",
              new URL("../../cli/main.ts", import.meta.url).pathname,
              ...args,
            ],
            cwd: folder,
            uid: 65534,
            gid: 65534,
            env: {
              DENO_DIR: `${folder}/deno`,
              XDG_DATA_HOME: `${folder}/data`,
              XDG_CONFIG_HOME: `${folder}/config`,
              PBS_REPOSITORY: "",
              HOME: folder,
            },
          },
        ).output();
        const text = new TextDecoder();
        return { code, out: text.decode(stdout), err: text.decode(stderr) };
      };
      const words = ["backup", "root.pxar:source", "--backup-id", "h1", "-q"];
      const lenient = await run(...words);
      assertEquals(lenient.code, 0, lenient.err);
      const problem = /^pxar: Cannot read a\.txt: permission denied.*$/m;
      assertMatch(lenient.err, problem);
      const listed = await run("list", "host/h1/latest:root.pxar");
      assert(
        !listed.out.includes("a.txt") && listed.out.includes("c.txt"),
        listed.out,
      );
      const strict = await run(...words, "--strict");
      assertEquals([strict.code, strict.out], [1, ""], strict.err);
      assertMatch(strict.err, problem);
      assertEquals(snapshots(`${folder}/data/pxar/store`).length, 1);
      const missing = await run(
        "backup",
        "x.conf:source/a.txt",
        "--backup-id",
        "h1",
        "-q",
      );
      assertMatch(
        missing.err,
        /^pxar: Cannot read source\/a\.txt: permission denied\n$/,
      );
      assertEquals(missing.code, 1);
    }),
);

systemTest(
  "backup without the C library counts what it cannot know, and ends with 3",
  ["linux"],
  () =>
    withSource(async (place) => {
      const { run, folder } = place;
      await new Deno.Command("ln", {
        args: [`${folder}/source/a.txt`, `${folder}/source/z`],
      }).output();
      const grants = ["-A", "--deny-ffi"];
      const weak = await run("backup root.pxar:source --backup-id h1", {
        grants,
      });
      assertEquals(weak.code, 3, weak.err);
      assertMatch(
        weak.err,
        /Cannot keep extended attributes, .*: not archived/,
      );
      assertMatch(weak.out, /^host\/h1\/\S+\n$/);
      const told = await run(
        "backup root.pxar:source --backup-id h1 --json -q",
        { grants },
      );
      assertEquals(told.code, 3);
      assert(Object.keys(JSON.parse(told.out).losses).length > 0);
      assertEquals(await paths(place, "host/h1/latest:root.pxar"), [
        "/",
        "/a.txt",
        "/b.log",
        "/sub",
        "/sub/c.txt",
        "/sub/d.log",
        "/sub/lost+found",
        "/z",
      ]);
    }),
);

systemTest(
  "backup to a full disk says so in a sentence, and leaves no snapshot",
  ["mount"],
  () =>
    withSource(async ({ folder, run, name }) => {
      await Deno.writeFile(
        `${folder}/source/data`,
        input({ kind: "xorshift32", seed: 9, size: 8 << 20 }),
      );
      await Deno.mkdir(`${folder}/small`);
      await mounted(
        ["-t", "tmpfs", "-o", "size=4m", "none"],
        `${folder}/small`,
        async () => {
          const store = `${folder}/small/${name}`;
          await run(`store init ${store} --on-demand -q`);
          const line = `backup root.pxar:source --repository ${store}`;
          for (const mode of ["legacy", "data"]) {
            const ran = await run(
              `${line} --backup-id h1 --change-detection-mode ${mode} -q`,
            );
            assertMatch(
              sentence(ran, 1),
              /^pxar: Cannot write .*: no space left on device\n$/,
            );
            assertEquals(snapshots(store), []);
            assertEquals(namesIn(store).filter((n) => n.includes("tmp")), []);
          }
        },
      );
    }),
);

systemTest(
  "backup reuses what it can where only few files may be open",
  ["linux"],
  () =>
    inStore(async ({ folder, path }) => {
      await Deno.mkdir(`${folder}/source`);
      for (let i = 0; i < 500; i++) {
        await Deno.writeFile(
          `${folder}/source/f${i}`,
          input({ kind: "xorshift32", seed: i + 1, size: 30_000 }),
        );
      }
      const run = async (limit: number, time: number) => {
        const { code, stdout, stderr } = await new Deno.Command("sh", {
          args: [
            "-c",
            `ulimit -n ${limit}; exec "$@"`,
            "sh",
            ...[Deno.execPath(), "run", "-qA", MAIN, "backup"],
            ...["root.pxar:source", "--backup-id", "h1", "--json"],
            ...["--change-detection-mode", "metadata", "--chunk-size", "64"],
            ...["--backup-time", `${time}`],
          ],
          cwd: folder,
          env: { PBS_REPOSITORY: path },
        }).output();
        const text = new TextDecoder();
        assertEquals([code, text.decode(stderr)], [0, ""]);
        return JSON.parse(text.decode(stdout));
      };
      assertEquals((await run(1024, TIME)).filesReused, 0);
      for (const [i, limit] of [256, 512, 600, 700, 1024, 4096].entries()) {
        const { filesReused, filesReread, bytesRead } = await run(
          limit,
          TIME + 1 + i,
        );
        assertEquals(filesReused + filesReread, 500);
        assertEquals(bytesRead, filesReread * 30_000);
        assert(filesReused > 400, `${filesReused} with ${limit}`);
      }
    }),
);

/** What is known of a tree on disk, all of it. */
async function treeOf(path: string): Promise<unknown[]> {
  return comparable(await gather(readTree(path)));
}

const GOLDEN = [
  "kinds",
  "hardlinks",
  "xattrs",
  "names",
  "modes",
  "times",
  "flags",
  "mixed",
];

/** Golden trees side by side: devices, attributes, access lists, holes, links, names that are no text. */
async function withTrees(
  path: string,
  trees: readonly string[],
  use: () => Promise<void>,
): Promise<void> {
  const [first, ...rest] = trees;
  if (first === undefined) return await use();
  await withTree(first, `${path}/${first}`, () => withTrees(path, rest, use));
}

systemTest(
  "backup and restore give a real tree back, whatever mode and key, and after a change",
  ["root", "linux", "python3", "attr", "acl"],
  () =>
    inStore(async ({ folder, run }) => {
      await Deno.mkdir(`${folder}/source`);
      await Deno.copyFile(
        new URL("keys/none.json", PBS),
        `${folder}/none.json`,
      );
      await Deno.writeFile(
        `${folder}/source/zz`,
        input({ kind: "text", seed: 1, size: 300_000 }),
      );
      await withTrees(`${folder}/source`, GOLDEN, async () => {
        let time = TIME, round = 0;
        for (
          const crypt of [
            "",
            " --keyfile none.json",
            " --keyfile none.json --crypt-mode sign-only",
          ]
        ) {
          const key = crypt === "" ? "" : " --keyfile none.json";
          for (const mode of ["legacy", "data", "metadata"]) {
            await Deno.writeTextFile(
              `${folder}/source/kinds/new`,
              `${++round}`,
            );
            const expected = await treeOf(`${folder}/source`);
            const made = await run(
              `backup root.pxar:source --backup-id h1 --chunk-size 64 --backup-time ${++time} --change-detection-mode ${mode}${crypt} --json`,
            );
            assertEquals([made.code, made.err], [0, ""]);
            const { filesReused, files, filesReread, snapshot } = JSON.parse(
              made.out,
            );
            if (mode === "metadata") {
              assert(
                filesReused + filesReread === files - 1 &&
                  filesReused > files / 2,
                made.out,
              );
            } else assertEquals(filesReused, 0);
            const back = await run(
              `restore ${snapshot} root.pxar out-${round}${key}`,
            );
            assertEquals([back.code, back.out, back.err], [0, "", ""]);
            assertEquals(
              await treeOf(`${folder}/out-${round}`),
              expected,
              `${mode}${crypt}`,
            );
            await new Deno.Command("chattr", {
              args: ["-R", "-ia", `${folder}/out-${round}`],
              stderr: "null",
            }).output();
            await Deno.remove(`${folder}/out-${round}`, { recursive: true });
          }
        }
      });
    }),
);
