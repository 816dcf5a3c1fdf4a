// `diff` of real trees: nothing where nothing was changed, and exactly what was.
import { openDatastore } from "@pxar/store/open_datastore";
import { openSnapshot } from "@pxar/transfer/open";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { readVector, VECTORS } from "../support/vectors.ts";
import { makeSnapshot, snapshotOf } from "../store/contract.ts";
import { kernel } from "../store/stores.ts";
import { inFolder, program, pxar, SIGNALS } from "./run.ts";
import { inStore } from "./stores.ts";

async function shell(folder: string, script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("bash", {
    args: ["-euc", script],
    cwd: folder,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** All that root can make. */
const TREE = `
mkdir -p t/etc/sub "t/$(printf 'raw\\377')"
echo hello > t/etc/motd; ln -s motd t/etc/issue; ln t/etc/motd t/etc/zlink
mkfifo t/p; mknod t/null c 1 3; mknod t/disk b 7 1; : > t/empty
truncate -s 3M t/sparse; printf end >> t/sparse
setfattr -n user.a -v 1 t/etc/motd; setfacl -m u:5:rwx t/etc
setcap cap_net_raw+ep t/etc/motd
echo '*.bak' > t/.pxarexclude; touch t/x.bak
`;

systemTest(
  "an archive of a directory does not differ from it, nor a split one, nor one made with patterns",
  ["attr", "acl", "root"],
  async () => {
    await inFolder(async (folder) => {
      await shell(folder, TREE);
      const run = (line: string) => pxar(line.split(" "), { cwd: folder });
      await run("create a.pxar t");
      await run("create b.mpxar t --payload-output b.ppxar --exclude *.o");
      await run("create c.pxar t --exclude *.o");
      const all = ["a.pxar", "b.mpxar", "c.pxar", "t"];
      await Promise.all(all.flatMap((one) =>
        all.map(async (other) => {
          const ran = await run(`diff ${one} ${other} --content always`);
          assertEquals(ran.out, "", `${one} ${other}`);
          assertMatch(
            ran.err,
            /^(?:pxar: contents are read from b\.ppxar\n)*pxar: no differences\n$/,
          );
          assertEquals(ran.code, 0);
        })
      ));
      const json = await run("diff a.pxar t --json -q");
      assertEquals([json.out, json.err, json.code], ["[\n]\n", "", 0]);
    });
  },
);

systemTest("diff tells what was changed in a directory", [
  "attr",
  "acl",
  "root",
], async () => {
  await inFolder(async (folder) => {
    await shell(folder, TREE);
    await pxar(["create", "a.pxar", "t"], { cwd: folder });
    await shell(
      folder,
      `
      touch -r t ref
      echo more >> t/etc/motd; chmod 600 t/empty
      rm t/p; mkdir t/p; touch t/p/inner 't/new
line'; chown 7:8 t/sparse
      rm t/null; mknod t/null c 1 5; rm t/disk; mknod t/disk c 7 1
      ln -sfn /other t/etc/issue; setfattr -x user.a t/etc/motd
      setfacl -b t/etc; chmod 775 t/etc; rm -r t/raw*
      touch -r ref t
    `,
    );
    const args = ["diff", "a.pxar", "t"];
    const { code, out, err } = await pxar(args, { cwd: folder });
    assertEquals(
      out,
      String.raw`M "/disk" (kind: block, now char)
M "/empty" (mode)
M "/etc" (mtime, acl)
M "/etc/issue" (mtime, target)
M "/etc/motd" (content, mtime, xattrs, fcaps)
+ "/new\nline"
M "/null" (mtime, device)
M "/p" (kind: fifo, now directory)
+ "/p/inner"
- "/raw\xFF"
M "/sparse" (owner)
`,
    );
    assertEquals(err, "pxar: 11 differences: 2 added, 1 removed, 8 changed\n");
    assertEquals(code, 8);

    const long = await pxar([...args, "-l", "--ignore=mtime", "/etc", "null"], {
      cwd: folder,
    });
    assertEquals(
      long.out,
      `M "/etc" (acl)
M "/etc/issue" (target: "motd", now "/other")
M "/etc/motd" (content: 6 bytes, now 11 bytes; xattrs; fcaps)
M "/null" (device: 1,3, now 1,5)
`,
    );
    const without = ["/etc", "disk", "p", "[nr]*"];
    const rest = await pxar([
      ...args,
      ...without.map((one) => `--exclude=${one}`),
    ], { cwd: folder });
    assertEquals(rest.out, 'M "/empty" (mode)\nM "/sparse" (owner)\n');
    const none = await pxar([...args, "nothing-of-the-kind"], { cwd: folder });
    assertEquals([none.out, none.code], ["", 0]);

    const stat = await pxar([...args, "--stat"], { cwd: folder });
    assertEquals(
      [stat.out, stat.err, stat.code],
      [
        `entries  13, now 14
added    2
removed  1
changed  8 (kind 2, mode 1, mtime 4, acl 1, target 1, content 1, xattrs 1, fcaps 1, device 1, owner 1)
`,
        "",
        8,
      ],
    );
    const counts = JSON.parse(
      (await pxar([...args, "--stat", "--json"], { cwd: folder })).out,
    );
    assertEquals(
      [counts.added, counts.removed, counts.changed, counts.fields.kind],
      [2, 1, 8, 2],
    );
    const changes = JSON.parse(
      (await pxar([...args, "--json"], { cwd: folder })).out,
    );
    assertEquals(changes.length, 11);
    const [disk] = changes, raw = changes[9];
    assertEquals(
      [disk.path, disk.change, disk.fields, disk.before.kind, disk.after.kind],
      ["/disk", "changed", ["kind"], "block", "char"],
    );
    assertEquals(raw.change, "removed");
    assertEquals(atob(raw.pathBytes), "/raw\xff");
    assertEquals(raw.after, undefined);
  });
});

systemTest(
  "what may not be read is no difference",
  ["root", "setpriv"],
  async () => {
    await inFolder(async (folder) => {
      await shell(
        folder,
        "mkdir -p t/secret t/open; echo 1 > t/secret/x; echo 1 > t/open/y; echo 2 > t/open/z; chmod 0 t/secret t/open/z",
      );
      await pxar(["create", "a.pxar", "t"], { cwd: folder });
      const drop = "-dac_override,-dac_read_search";
      const weak = async (...args: string[]) => {
        const deno = Deno.execPath();
        const main = new URL("../../cli/main.ts", import.meta.url).pathname;
        const { code, stdout, stderr } = await new Deno.Command("setpriv", {
          args: [
            `--bounding-set=${drop}`,
            `--inh-caps=${drop}`,
            ...[deno, "run", "-qA", main, "diff", ...args],
          ],
          cwd: folder,
        }).output();
        const text = new TextDecoder();
        return [code, text.decode(stdout), text.decode(stderr)] as const;
      };
      const refused = [
        "pxar: Cannot read open/z: permission denied; left out",
        "pxar: Cannot read secret: permission denied; left out",
      ];
      assertEquals(await weak("a.pxar", "t"), [
        3,
        `? "/open/z" (could not be read)
? "/secret" (could not be read)
? "/secret/x" (could not be read)
`,
        [...refused, "pxar: no differences in what could be compared", ""]
          .join("\n"),
      ]);
      const [code, out] = await weak("t", "t");
      assertEquals([code, out], [3, ""]);
      await Deno.remove(`${folder}/t/open/y`);
      const lines = (await weak("t", "a.pxar", "--json", "--ignore=mtime"))[1];
      assertEquals(
        JSON.parse(lines).map((
          { change, path }: { change: string; path: string },
        ) => [change, path]),
        [
          ["added", "/open/y"],
          ["unread", "/open/z"],
          ["unread", "/secret"],
          ["unread", "/secret/x"],
        ],
      );
    });
  },
);

Deno.test("diff of two snapshots, and of a snapshot and a file", async () => {
  await inStore(async ({ folder, path, run }) => {
    await Deno.mkdir(`${folder}/t`);
    const big = Uint8Array.from({ length: 2_000_000 }, (_, i) => i ^ (i >> 9));
    await Deno.writeFile(`${folder}/t/a`, new Uint8Array(100));
    await Deno.writeFile(`${folder}/t/b`, big);
    await run("create one.pxar t -q");
    await Deno.writeFile(`${folder}/t/a`, new Uint8Array(200));
    await run("create two.pxar t -q");
    const store = await openDatastore(path, { kernel, sync: "none" });
    const group = { namespace: "", type: "host", id: "h1" } as const;
    const name = (seconds: number) => snapshotOf(group, seconds);
    for (const [i, file] of ["one.pxar", "two.pxar"].entries()) {
      const bytes = await Deno.readFile(`${folder}/${file}`);
      // Boundaries at the same places of the large file.
      const cuts = [0, 400_000, 800_000].map((cut) => cut + i * 100);
      cuts[0] = 0;
      const chunks = cuts.map((cut, j) => bytes.subarray(cut, cuts[j + 1]));
      await makeSnapshot(store, name(i * 100), chunks);
    }
    const first = "host/h1/2023-11-14T22:13:20Z:root.pxar";
    const newest = "host/h1/latest:root.pxar";
    for (
      const pair of [
        [first, newest],
        [first, "two.pxar"],
        ["one.pxar", newest],
      ]
    ) {
      const ran = await run(
        `diff ${pair.join(" ")} --content always --ignore mtime -q`,
      );
      assertEquals([ran.out, ran.code, ran.err], ['M "/a" (content)\n', 8, ""]);
    }
    const same = await run(`diff ${newest} t --content always -q`);
    assertEquals([same.out, same.err, same.code], ["", "", 0]);

    // Equal chunks are not read: the one in the middle of the large file may be gone.
    await using snapshot = await openSnapshot(store, name(0));
    const index = await snapshot.index("root.pxar.didx");
    const middle = (await index.chunk(1)).digest.toHex();
    await index.close();
    await Deno.remove(`${path}/.chunks/${middle.slice(0, 4)}/${middle}`);
    const still = await run(`diff ${first} ${newest} --content always -q`);
    assertEquals([still.code, still.err], [8, ""]);
    const gone = await run(`diff ${first} one.pxar --content always`);
    assertEquals(gone.code, 4);
    assertMatch(gone.err, /^pxar: Cannot [^\n]*\n$/m);
  });
});

Deno.test("diff takes an archive from standard input", async () => {
  const path = new URL("kinds.pxar", VECTORS).pathname;
  const stdin = readVector("kinds.pxar");
  const { code, err } = await pxar(["diff", "-", path], { stdin });
  assertEquals([code, err], [0, "pxar: no differences\n"]);
});

for (const [signal, exit] of SIGNALS) {
  systemTest(
    `${signal} ends diff, also between two huge files`,
    ["linux"],
    async () => {
      await inFolder(async (folder) => {
        for (const name of ["one", "other"]) {
          await Deno.mkdir(`${folder}/${name}`);
          await Deno.writeTextFile(`${folder}/${name}/huge`, "");
          await Deno.truncate(`${folder}/${name}/huge`, 2 ** 36);
        }
        const child = program(["diff", "one", "other", "--content=always"], {
          cwd: folder,
        }).spawn();
        await until(() => opened(child.pid).includes("huge"));
        child.kill(signal);
        const { code, stderr } = await child.output();
        assertEquals(code, exit);
        assertMatch(
          new TextDecoder().decode(stderr),
          /^pxar: Cannot finish: [\w ]+\n$/,
        );
      });
    },
  );
}

/** The last parts of the paths of what a process has open. */
function opened(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`).replace(/^.*\//, "");
    } catch {
      return ""; // It was closed meanwhile.
    }
  });
}

async function until(reached: () => boolean): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (reached()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("waited for nothing");
}

Deno.test("diff says what is wrong with its arguments, and with what it reads", async () => {
  await inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.pxar`, readVector("kinds.pxar"));
    await Deno.writeFile(`${folder}/s.mpxar`, readVector("kinds.mpxar"));
    const whole = readVector("kinds.pxar");
    await Deno.writeFile(`${folder}/cut.pxar`, whole.subarray(0, 700));
    await Deno.writeFile(`${folder}/empty.pxar`, new Uint8Array());
    const says = async (line: string, code: number, sentence: RegExp) => {
      const ran = await pxar(line.split(" "), { cwd: folder });
      assertMatch(ran.err, sentence);
      assertEquals([ran.code, ran.out], [code, ""], line);
    };
    await Promise.all([
      says("diff a.pxar", 2, /^pxar: Cannot diff: B is missing/),
      says("diff - -", 2, /^pxar: Cannot compare standard input with itself/),
      says("diff a.pxar a.pxar --ignore mtme", 2, /perhaps mtime is meant\n$/),
      says(
        "diff a.pxar a.pxar --content some",
        2,
        /expected one of always, changed, never/,
      ),
      says(
        "diff a.pxar . --payload-input=x --payload-input=y",
        2,
        /^pxar: Cannot use --payload-input y: expected one at most/,
      ),
      says(
        "diff a.pxar nothing",
        1,
        /^pxar: Cannot open nothing: no such file/,
      ),
      says(
        "diff s.mpxar a.pxar",
        2,
        /expected --payload-input FILE or s\.ppxar beside it\n$/,
      ),
      says(
        "diff s.mpxar a.pxar --content never",
        0,
        /^pxar: no differences\n$/,
      ),
      says(
        "diff empty.pxar a.pxar",
        4,
        /^pxar: Cannot read archive: it ends at byte 0/,
      ),
      says("diff a.pxar cut.pxar", 4, /^pxar: Cannot [^\n]*\n$/),
    ]);
    await Deno.writeFile(`${folder}/s.bin`, readVector("kinds.ppxar"));
    const named =
      "diff a.pxar s.mpxar --payload-input s.bin --payload-input s.bin --content always";
    await says(named, 0, /^pxar: no differences\n$/);
  });
});
