// Commands that work on a whole store or group: prune, garbage-collect, verify.
import { digestOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import { createKeyFile, encodeKeyFile } from "@pxar/chunk/key_file";
import { makeSnapshot } from "../store/contract.ts";
import {
  age,
  chunkFiles,
  chunkPath,
  isThere,
  strayChunk,
} from "../store/stores.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { expectedOf, officialOutputs, PBS } from "../support/official_store.ts";
import { systemTest } from "../support/skip.ts";
import { program } from "./run.ts";
import { inStore, makeDays, TIME } from "./stores.ts";

const TEXT = new TextEncoder();

Deno.test("prune keeps what it is told to, and shows it", () =>
  inStore(async ({ run, store }) => {
    const texts = await makeDays(store, 5);
    const dry = await run("prune host/h1 --keep-last 2 --dry-run");
    assertEquals([dry.code, dry.err], [0, ""]);
    assertEquals(
      [...dry.out.matchAll(/│ (host\S+) .* (\w+) │/g)].map(([, text, action]) =>
        `${text} ${action}`
      ),
      texts.map((text, i) => `${text} ${i < 3 ? "remove" : "keep"}`),
    );
    assertEquals((await store.snapshots("")).length, 5);
    const done = await run("prune host/h1 --keep-last 2 --json");
    assertEquals(
      JSON.parse(done.out).map((one: Record<string, unknown>) => one.keep),
      [false, false, false, true, true],
    );
    assertEquals((await store.snapshots("")).length, 2);
    const quiet = await run("prune host/h1 --keep-daily 1 --quiet");
    assertEquals([quiet.code, quiet.out, quiet.err], [0, "", ""]);
    assertEquals((await store.snapshots("")).length, 1);
  }));

Deno.test("prune without a keep option keeps everything, and says so", () =>
  inStore(async ({ run, store }) => {
    await makeDays(store, 2, "");
    const { code, out, err } = await run("prune host/h1");
    assertEquals(code, 0);
    assertEquals(
      err,
      "pxar: no --keep option is given: everything is kept\n",
    );
    assert(!out.includes("remove"));
    assertEquals((await store.snapshots("")).length, 2);
    assertEquals((await run("prune host/h1 -q")).err, "");
  }));

Deno.test("prune in a namespace tells it in a dry run, as officially", () =>
  inStore(async ({ run, store }) => {
    await store.createNamespace("a");
    await makeDays(store, 2, "a");
    const json = async (more: string) =>
      JSON.parse(
        (await run(`prune host/h1 --ns a --keep-last 1 --json${more}`)).out,
      );
    assertEquals(
      (await json(" --dry-run")).map((one: { ns: string }) => one.ns),
      ["a", "a"],
    );
    assertEquals((await json(""))[0], {
      "backup-id": "h1",
      "backup-time": TIME,
      "backup-type": "host",
      keep: false,
      protected: false,
    });
  }));

Deno.test("prune refuses what it cannot mean", () =>
  inStore(async ({ run, store }) => {
    await makeDays(store, 1);
    for (
      const [line, code, says] of [
        [
          "prune host/h1 --keep-last 0",
          2,
          "pxar: Cannot use --keep-last 0: expected 1 or more\n",
        ],
        ["prune host/h1 --keep-yearly 0 --keep-last 1", 2, "--keep-yearly 0"],
        ["prune host/h1 --keep-last x", 2, "expected a whole number"],
        ["prune host/h1 --keep-last 1 --max-depth 2", 2, "--max-depth"],
        ["prune", 2, "GROUP is missing"],
        ["prune host", 2, "expected TYPE/ID"],
        ["prune host/h2 --keep-last 1", 5, "it is not in the store"],
      ] as const
    ) {
      const ran = await run(line);
      assertEquals([ran.code, ran.out], [code, ""], ran.err);
      assert(ran.err.includes(says), ran.err);
    }
    assertEquals((await store.snapshots("")).length, 1);
  }));

Deno.test("prune goes on where a snapshot is in use, and ends with 3", () =>
  inStore(async ({ run, store }) => {
    if (store.kernel === undefined) return;
    const [first] = await makeDays(store, 3);
    const name = { namespace: "", type: "host", id: "h1" } as const;
    await using _reader = await store.open({ ...name, time: TIME });
    const { code, out, err } = await run("prune host/h1 --keep-last 1");
    assertEquals(code, 3, err);
    assert(err.startsWith(`pxar: ${first} is not gone: Cannot lock`), err);
    const told = JSON.parse(
      (await run("prune host/h1 --keep-last 1 --json")).out,
    );
    assertEquals([told[0].keep, told.at(-1).error], [false, undefined]);
    assert(told[0].error.startsWith("Cannot lock"), told[0].error);
    assertEquals(out.split("remove").length, 3);
    assertEquals((await store.snapshots("")).length, 2);
  }));

Deno.test("garbage-collect removes what no snapshot needs, and says it as the official server does", () =>
  inStore(async ({ run, store, name }) => {
    await makeDays(store, 2);
    const old = await strayChunk(store, "old", 200_000);
    const young = await strayChunk(store, "young");
    const { code, out, err } = await run("garbage-collect");
    assertEquals([code, err], [0, ""]);
    assertEquals([
      isThere(chunkPath(store, old)),
      isThere(chunkPath(store, young)),
    ], [false, true]);
    assertMatch(
      out,
      new RegExp(
        `^starting garbage collection on store ${name}
Using access time cutoff 1d 5m, minimum access time is [\\dT:-]{19}Z
Start GC phase1 \\(mark used chunks\\)
Start GC phase2 \\(sweep unused chunks\\)
Chunk cache: hits 0, misses 2 \\(hit ratio 0\\.00%\\)
Removed garbage: 15 B
Removed chunks: 1
Pending removals: \\d+ B \\(in [12] chunks\\)
Original data usage: 26 B
On-Disk usage: \\d+ B \\(\\d+\\.\\d\\d%\\)
On-Disk chunks: [23]
Deduplication factor: 0\\.\\d\\d
Average chunk size: \\d+ B
TASK OK
$`,
      ),
    );
    const json = await run("gc --cutoff 0 --output-format json");
    const told = JSON.parse(json.out);
    assertEquals(json.code, 0, json.err);
    // The chunk of zeros, which times of access are tried out with, counts as used or not: they may be equal to when it began.
    const removed = told["removed-chunks"];
    assertEquals(
      [told["disk-chunks"] + removed, told["index-file-count"]],
      [4, 2],
    );
    assert(!isThere(chunkPath(store, young)));
    assertEquals(chunkFiles(store).length, 4 - removed);
    const status = JSON.parse((await run("status -v --json")).out);
    assertEquals(status["gc-status"]["removed-chunks"], removed);
    assertMatch(status["gc-status"].upid, /:garbage_collection:/);
    const text = (await run("status -v")).out;
    assertMatch(text, /last gc │ +20\d\d-\d\d-\d\dT/);
    const quiet = await run("gc -q");
    assertEquals([quiet.code, quiet.out, quiet.err], [0, "", ""]);
    JSON.parse((await run("gc -q --json")).out);
  }));

Deno.test("garbage-collect warns of missing chunks, and ends with 3", () =>
  inStore(async ({ run, store }) => {
    await makeDays(store, 1);
    const { path } = chunkFiles(store)[0]!;
    await Deno.remove(path);
    const { code, out } = await run("gc");
    assertEquals(code, 3);
    assertMatch(out, /^warning: .*chunk/m);
    assertMatch(out, /TASK WARNINGS: 1\n$/);
    const json = await run("gc --json");
    assertEquals(json.code, 3);
    assertMatch(json.err, /^pxar: .*chunk/);
    JSON.parse(json.out);
  }));

Deno.test("garbage-collect refuses wrong cutoffs, and stops at what it cannot read", () =>
  inStore(async ({ run, store, path }) => {
    const [text] = await makeDays(store, 1);
    for (const cutoff of ["2881", "-1", "x", ""]) {
      const { code, out } = await run(`gc --cutoff=${cutoff}`);
      assertEquals([code, out], [2, ""]);
    }
    assertEquals((await run("gc --cutoff 2880 -q")).code, 0);
    await Deno.truncate(`${path}/${text}/root.pxar.didx`, 4100);
    const stray = await strayChunk(store, "stray", 200_000);
    const { code, err } = await run("gc -q");
    assertEquals(code, 4, err);
    assertMatch(err, /^pxar: Cannot collect garbage: .*root\.pxar\.didx/);
    assert(isThere(chunkPath(store, stray)));
  }));

Deno.test("garbage-collect leaves a store in peace that is written to", () =>
  inStore(async ({ run, store }) => {
    if (store.kernel === undefined) return;
    const name = { namespace: "", type: "host", id: "h1", time: TIME } as const;
    await using _writer = await store.create(name, { owner: "root@pam" });
    const { code, out, err } = await run("gc");
    assertEquals([code, out], [6, ""]);
    assertMatch(err, /it is in use/);
  }));

systemTest(
  "garbage-collect and verify draw how far they are on a terminal, but never into their own lines",
  ["script"],
  () =>
    inStore(async ({ store, folder, path }) => {
      await makeDays(store, 1);
      const on = async (line: string) => {
        const pxar = `"${Deno.execPath()}" run -q -A "${
          new URL("../../cli/main.ts", import.meta.url).pathname
        }"`;
        const { stdout } = await new Deno.Command("script", {
          args: ["-qec", line.replace("pxar", pxar), "/dev/null"],
          cwd: folder,
          env: { PBS_REPOSITORY: path },
          stdin: "null",
        }).output();
        return new TextDecoder().decode(stdout);
      };
      assert(!(await on("pxar gc")).includes("\x1b"));
      assert(!(await on("pxar verify")).includes("\x1b"));
      assertEquals(await on("pxar verify --json 2>&1 >/dev/null | cat"), "");
    }),
);

Deno.test("verify says what the official log says of the same store", () =>
  inStore(async ({ run, name, store }) => {
    const { code, out, err } = await run("verify --threads 1");
    assertEquals([code, err], [4, ""]);
    const official = expectedOf("damaged") as { verify_log_full: string[] };
    const shape = (lines: readonly string[]) =>
      lines.map((line) =>
        line.replaceAll("vec-damaged", "STORE").replaceAll(name, "STORE")
          .replace(/ failed: .*| - manifest load error.*/, " failed")
          .replace(/\/index\.json\.blob failed/, " failed")
          .replace(/verified .*\(/, "verified (")
          .replace(/\(\d+ errors\)/, "(N errors)")
      );
    // Where more is found than officially, or a missing manifest is no failure; each is one group.
    const other = /cryptmode|index-csum|manifest-id|manifest-missing/;
    const left = /^using |^Error: |renamed to|is not noted|^ {2}verified/;
    let isOther = false;
    const filtered = (lines: readonly string[]) =>
      shape(lines).filter((line) => {
        if (/^(?:verify group|percentage|Failed)/.test(line)) {
          isOther = line.startsWith("verify group") && other.test(line);
        }
        return !isOther && !other.test(line) && !left.test(line);
      });
    assertEquals(
      filtered(out.trimEnd().split("\n")),
      filtered(official.verify_log_full),
    );
    for (const id of ["cryptmode", "index-csum", "manifest-id"]) {
      assert(out.includes(`\n\thost/${id}/2023-11-14T22:13:20Z\n`), id);
    }
    assertMatch(out, /^6 bad chunks renamed to \.bad/m);
    assertMatch(
      out,
      / {2}verified \d\.\d\d MiB in \d+\.\d\d seconds, speed \d+\.\d\d MiB\/s \(1 errors\)/,
    );
    assertMatch(
      out,
      /^verify .*manifest-missing.*: it has no manifest, because it was never finished or has lost it$/m,
    );
    // Each was noted: the next run that passes over them is fast.
    const again = await run("verify --ignore-verified --json");
    const told = JSON.parse(again.out);
    assertEquals(again.code, 4);
    const states = new Map<string, number>();
    for (const { state } of told.snapshots) {
      states.set(state, (states.get(state) ?? 0) + 1);
    }
    // Those whose manifests cannot be read have nothing noted.
    assertEquals(
      [...states].sort(),
      [["failed", 2], ["skipped", 26], ["unfinished", 1]],
    );
    assertEquals(told.failed, 2);
    assertEquals(told.snapshots[0].ns, undefined);
    const failed = told.snapshots.find((one: { state: string }) =>
      one.state === "failed"
    );
    assertEquals(failed.problems[0].file, "index.json.blob");
    const listed = await store.snapshots("");
    assertEquals(
      listed.filter(({ verification }) => verification?.state === "failed")
        .length,
      22,
    );
  }, "damaged"));

Deno.test("verify counts groups and snapshots as the official log does", () =>
  inStore(async ({ run, name }) => {
    const { records } = JSON.parse(
      Deno.readTextFileSync(new URL("rest/records.json", PBS)),
    );
    const record = records.find((one: { note: string }) =>
      one.note === "verify namespace: log"
    );
    const official = (JSON.parse(record.body).data as { t: string }[]).map((
      { t },
    ) => t.slice(27));
    // When that was recorded, this one was gone.
    assertEquals((await run("forget vm/100/2023-11-14T22:15:00Z")).code, 0);
    const { code, out } = await run("verify --max-depth 1");
    assertEquals(code, 0);
    const shape = (lines: readonly string[]) =>
      lines.filter((line) => !line.startsWith("using "))
        .map((line) =>
          line.replaceAll("vec-rest", name).replace(
            /verified .*\(/,
            "verified (",
          )
        );
    assertEquals(shape(out.trimEnd().split("\n")), shape(official));
  }, "vec-rest"));

Deno.test("verify passes an undamaged store in any part", () =>
  inStore(async ({ run, name }) => {
    const all = await run("verify -q");
    assertEquals([all.code, all.out, all.err], [0, "", ""]);
    const group = await run("verify host/h1 --outdated-after 1");
    assertEquals(
      group.out,
      [
        `verify group ${name}:host/h1 (3 snapshots)`,
        ...[16, 15, 14].flatMap((day, i) => [
          `SKIPPED: verify ${name}:host/h1/2023-11-${day}T22:13:20Z (recently verified)`,
          `percentage done: ${["33.33", "66.67", "100.00"][i]}% (${
            i + 1
          }/3 snapshots)`,
        ]),
        "TASK OK\n",
      ].join("\n"),
    );
    const one = await run("verify host/nsHost.1/2023-11-14T22:18:20Z --ns a/b");
    assertMatch(
      one.out,
      new RegExp(
        `^verify ${name}:\\[a/b\\]:host/nsHost\\.1/2023-11-14T22:18:20Z\n {2}check root\\.pxar\\.didx\n`,
      ),
    );
    const root = JSON.parse((await run("verify --max-depth 0 --json")).out);
    assertEquals([root.snapshots.length, root.failed], [6, 0]);
    const below = JSON.parse((await run("verify --ns a --json")).out);
    assertEquals(below.snapshots.map((one: { ns: string }) => one.ns), ["a/b"]);
    for (
      const [line, code] of [
        ["verify host/h2", 5],
        ["verify host/h1/2020-01-01T00:00:00Z", 5],
        ["verify --ns zz", 5],
        ["verify host", 2],
        ["verify host/h1 --max-depth 1", 2],
        ["verify --max-depth 9", 2],
        ["verify --threads 0", 2],
        ["verify --threads 65", 2],
        ["verify host/h1 vm/100", 2],
        ["verify --keyfile nothing.json", 1],
      ] as const
    ) {
      const ran = await run(line);
      assertEquals([ran.code, ran.out], [code, ""], `${line}: ${ran.err}`);
      assertEquals(ran.err.split("\n").length, 2);
    }
  }, "plain"));

Deno.test("verify with a key finds what no checksum tells", () =>
  inStore(async ({ run, runWords, store, folder }) => {
    const key = CryptKey.of(new Uint8Array(32).fill(3));
    const name = { namespace: "", type: "host", id: "h1", time: TIME } as const;
    const data = TEXT.encode("a secret that is long enough");
    await makeSnapshot(store, name, [data], key);
    await Deno.writeTextFile(
      `${folder}/key.json`,
      encodeKeyFile(await createKeyFile(key, "the passphrase")),
    );
    // Another chunk of the same key, in the place of this one: its checksum is right.
    const chunk = chunkPath(store, digestOf(data, key));
    const other = { ...name, time: TIME + 1 };
    const more = TEXT.encode("a secret that is quite another");
    await makeSnapshot(store, other, [more], key);
    await Deno.copyFile(chunkPath(store, digestOf(more, key)), chunk);
    const without = await run("verify host/h1/2023-11-14T22:13:20Z -q");
    assertEquals([without.code, without.err], [0, ""]);
    const env = { PBS_ENCRYPTION_PASSWORD: "the passphrase" };
    const wrong = await run("verify --keyfile key.json", {
      env: { PBS_ENCRYPTION_PASSWORD: "another one" },
    });
    assertEquals([wrong.code, wrong.out], [7, ""]);
    const none = await run("verify --keyfile key.json");
    assertEquals([none.code, none.out], [7, ""], none.err);
    // Where the default key is locked, that is said, and nobody is asked.
    await Deno.mkdir(`${folder}/config/proxmox-backup`, { recursive: true });
    await Deno.copyFile(
      `${folder}/key.json`,
      `${folder}/config/proxmox-backup/encryption-key.json`,
    );
    const locked = await run("verify");
    assertEquals(locked.code, 0);
    assertMatch(
      locked.err,
      /^pxar: what is encrypted is not decrypted: the default key is locked/,
    );
    const found = await runWords(["verify"], { env });
    assertEquals([found.code, found.err], [4, ""]);
    assertMatch(
      found.out,
      /verify \S+:host\/h1\/2023-11-14T22:13:20Z\/root\.pxar\.didx failed: chunk/,
    );
    assertEquals(isThere(chunk), false);
  }));

systemTest(
  "verify ends on SIGINT, and goes on from there",
  ["unix"],
  () =>
    inStore(async ({ store, path, folder, run }) => {
      for (let day = 0; day < 40; day++) {
        const time = TIME + day * 86_400;
        await makeSnapshot(
          store,
          { namespace: "", type: "host", id: "h1", time },
          [TEXT.encode(`of ${day}`), new Uint8Array(1 << 20).fill(day)],
        );
      }
      const child = program(["verify"], {
        cwd: folder,
        env: { PBS_REPOSITORY: path },
      }).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream())
        .getReader();
      const first = await reader.read();
      child.kill("SIGINT");
      while (!(await reader.read()).done);
      const { code } = await child.status;
      await child.stderr.cancel();
      assert(first.value!.startsWith("verify datastore"));
      assertEquals(code, 130);
      const rest = JSON.parse(
        (await run("verify --ignore-verified --json")).out,
      );
      assertEquals(rest.snapshots.length, 40);
      assertEquals(rest.failed, 0);
    }),
);

Deno.test("what the official client refuses of a store is refused here", () =>
  inStore(async ({ run, runWords, store }) => {
    await store.setProtected(
      { namespace: "", type: "host", id: "h1", time: TIME },
      true,
    );
    const codes: Readonly<Record<string, number>> = {
      "snapshot files": 2,
      "snapshot files host/h1": 2,
      "snapshot files host/h1/2023": 2,
      "list --output-format xml": 2,
      "list a b": 2,
      "list --frobnicate": 2,
      "snapshot files host/h1/2020-01-01T00:00:00Z": 5,
      "snapshot forget host/h1/2023-11-14T22:13:20Z": 6,
      "snapshot forget host/h1/2020-01-01T00:00:00Z": 5,
      "prune host/h1 --keep-last 0": 2,
      "prune host/h1 --keep-last 1 --max-depth 2 --dry-run": 2,
      "namespace delete a": 6,
      "namespace create q/r/s": 5,
      "snapshot notes show host/h1/2020-01-01T00:00:00Z": 5,
    };
    const official = officialOutputs("misuse.txt");
    for (const [line, code] of Object.entries(codes)) {
      assertEquals(official.get(line)?.exit, 255, line);
      const ran = await run(line.replace(/^list/, "groups"));
      assertEquals([ran.code, ran.out], [code, ""], `${line}: ${ran.err}`);
    }
    const log = await runWords([
      "snapshot",
      "upload-log",
      "vm/100/2023-11-14T22:15:00Z",
      "-",
    ], { stdin: TEXT.encode("log") });
    assertEquals(log.code, 6, log.err);
  }, "plain"));

Deno.test("a chunk that was marked lately stays whatever the default cutoff", () =>
  inStore(async ({ run, store }) => {
    const stray = await strayChunk(store, "stray", 3000);
    await run("gc -q --cutoff 60");
    assert(isThere(chunkPath(store, stray)));
    age(chunkPath(store, stray), 3700);
    await run("gc -q --cutoff 60");
    assert(!isThere(chunkPath(store, stray)));
  }));

Deno.test("verify with a key that is not the snapshots' own says so, and what has no manifest", () =>
  inStore(async ({ run, path }) => {
    await Deno.copyFile(
      new URL("keys/none.json", PBS),
      `${path}/../none.json`,
    );
    const other = await run("verify --keyfile none.json -q host/h1");
    assertEquals([other.code, other.out], [3, ""]);
    assertMatch(
      other.err,
      /^pxar: 3 snapshots made with another key: signatures were not checked, .*\n$/,
    );
    const plain = await run("verify --keyfile none.json -q host/nokey");
    assertEquals([plain.code, plain.err], [0, ""]);
    const manifest = `${path}/host/h1/2023-11-14T22:13:20Z/index.json.blob`;
    await Deno.remove(manifest);
    const lost = await run("verify -q host/h1");
    assertEquals(lost.code, 3);
    assertMatch(lost.out, /^verify .*: it has no manifest, .*\n$/);
  }, "encrypted"));

Deno.test("garbage-collect names each snapshot that it removes", () =>
  inStore(async ({ run, store }) => {
    const [first] = await makeDays(store, 2);
    const { snapshot } = (await store.snapshots(""))[0]!;
    const folder = store.tree.snapshotFolder(snapshot);
    await Deno.remove(`${folder}/index.json.blob`);
    for (const { name } of Deno.readDirSync(folder)) {
      await Deno.utime(`${folder}/${name}`, 1, 1);
    }
    await Deno.utime(folder, 1, 1);
    const { code, out } = await run("garbage-collect --json");
    assertEquals(code, 0);
    assertEquals(JSON.parse(out)["removed-snapshots"], [first]);
  }));

Deno.test("verify where nothing may be written says that nothing is noted", () =>
  inStore(async ({ run, store }) => {
    await makeDays(store, 1);
    const { code, out } = await run("verify -q", {
      grants: ["--no-prompt", "--allow-read", "--allow-env", "--allow-sys"],
    });
    assertEquals(code, 3, out);
    assertMatch(out, /^verify .*: what was found is not noted: .*\n$/);
  }));
