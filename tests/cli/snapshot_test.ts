// Commands that change snapshots, groups and namespaces.
import { decodeBlob } from "@pxar/chunk/blob";
import { CryptKey } from "@pxar/chunk/key";
import { createKeyFile, encodeKeyFile } from "@pxar/chunk/key_file";
import { makeSnapshot, snapshotOf } from "../store/contract.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { MAIN, names } from "./run.ts";
import { inStore, makeDays, type StorePlace, TIME } from "./stores.ts";

const TEXT = new TextEncoder();
const NO_SNAPSHOT = "host/h1/2020-01-01T00:00:00Z";

/** Runs lines that must end so; gives what the last one printed. */
async function ends(
  { run }: StorePlace,
  code: number,
  ...lines: string[]
): Promise<{ out: string; err: string }> {
  let last = { out: "", err: "" };
  for (const line of lines) {
    const ran = await run(line);
    assertEquals(ran.code, code, `${line}: ${ran.err}`);
    last = ran;
  }
  return last;
}

Deno.test("snapshot forget removes one, and with the last its group", () =>
  inStore(async (place) => {
    const { store, path } = place;
    const [first, second] = await makeDays(store, 2);
    const { out, err } = await ends(place, 0, `snapshot forget ${first}`);
    assertEquals([out, err], ["", ""]);
    assertEquals((await store.snapshots("")).length, 1);
    await store.setProtected(
      { namespace: "", type: "host", id: "h1", time: TIME + 86_400 },
      true,
    );
    const kept = await ends(place, 6, `forget ${second}`);
    assertMatch(kept.err, /^pxar: Cannot forget .*: it is protected\n$/);
    await ends(place, 0, `protect ${second} false`, `forget ${second}`);
    assertEquals(await store.groups(""), []);
    assert(!names(`${path}/host`).includes("h1"));
    const gone = await ends(place, 5, `forget ${second}`);
    assertMatch(gone.err, /it is not in the store\n$/);
  }));

Deno.test("snapshot notes are set, shown and removed", () =>
  inStore(async (place) => {
    const { store, runWords } = place;
    const [text] = await makeDays(store, 1);
    const notes = "Zeile 1 – ä\nline 2\x1b[31m";
    const set = await runWords(["snapshot", "notes", "update", text!, notes]);
    assertEquals([set.code, set.out, set.err], [0, "", ""]);
    const shown = await ends(place, 0, `snapshot notes show ${text}`);
    assertEquals(shown.out, `${notes}\n`);
    const json = await ends(place, 0, `notes ${text} --output-format json`);
    assertEquals(JSON.parse(json.out), { notes });
    const listed = JSON.parse((await ends(place, 0, "snapshots --json")).out);
    assertEquals(listed[0].comment, "Zeile 1 – ä");
    await runWords(["snapshot", "notes", "update", text!, ""]);
    assertEquals((await ends(place, 0, `notes ${text}`)).out, "\n");
    await ends(place, 5, `notes ${NO_SNAPSHOT}`);
    await ends(
      place,
      5,
      `snapshot notes update ${NO_SNAPSHOT} x`,
    );
  }));

Deno.test("snapshot protected is shown and set with every official word", () =>
  inStore(async (place) => {
    const [text] = await makeDays(place.store, 1);
    for (
      const [word, value] of [
        ["true", true],
        ["off", false],
        ["YES", true],
        ["0", false],
        ["1", true],
        ["No", false],
        ["on", true],
        ["on", true],
        ["False", false],
      ] as const
    ) {
      await ends(place, 0, `snapshot protected update ${text} ${word}`);
      const { out } = await ends(
        place,
        0,
        `snapshot protected show ${text} --output-format json`,
      );
      assertEquals(JSON.parse(out), { protected: value }, word);
    }
    const wrong = await ends(place, 2, `protect ${text} maybe`);
    assertMatch(wrong.err, /expected true or false\n$/);
    await ends(
      place,
      5,
      `snapshot protected show ${NO_SNAPSHOT}`,
      `protect ${NO_SNAPSHOT} true`,
    );
  }));

Deno.test("snapshot upload-log puts one log, encrypted where there is a key", () =>
  inStore(async (place) => {
    const { store, folder, path, runWords } = place;
    const { codecs } = store;
    const texts = await makeDays(store, 6);
    const log = "all went well\n".repeat(100);
    await Deno.writeTextFile(`${folder}/run.log`, log);
    const key = CryptKey.of(new Uint8Array(32).fill(7));
    await Deno.writeTextFile(
      `${folder}/key.json`,
      encodeKeyFile(await createKeyFile(key, undefined)),
    );
    const stored = (text: string) =>
      Deno.readFileSync(`${path}/${text}/client.log.blob`);
    const plain = async (text: string, with_: CryptKey | undefined) =>
      new TextDecoder().decode(
        await decodeBlob(stored(text), { codecs, key: with_ }),
      );
    const isEncrypted = (text: string) => stored(text)[0] === 0xe6;

    await ends(place, 0, `snapshot upload-log ${texts[0]} run.log`);
    assertEquals(await plain(texts[0]!, undefined), log);
    const twice = await ends(place, 6, `upload-log ${texts[0]} run.log`);
    assertMatch(twice.err, /it has one already\n$/);
    const { files } = (await store.snapshots(""))[0]!;
    assertEquals(files.at(-1)!.name, "client.log.blob");

    await ends(place, 0, `upload-log ${texts[1]} run.log --keyfile key.json`);
    assertEquals([isEncrypted(texts[1]!), await plain(texts[1]!, key)], [
      true,
      log,
    ]);
    await ends(
      place,
      0,
      `upload-log ${
        texts[2]
      } run.log --keyfile key.json --crypt-mode sign-only`,
    );
    assertEquals(await plain(texts[2]!, undefined), log);
    // The default key encrypts, too.
    await Deno.mkdir(`${folder}/config/proxmox-backup`, { recursive: true });
    await Deno.copyFile(
      `${folder}/key.json`,
      `${folder}/config/proxmox-backup/encryption-key.json`,
    );
    const piped = await runWords(["upload-log", texts[3]!, "-"], {
      stdin: TEXT.encode(log),
    });
    assertEquals(piped.code, 0, piped.err);
    assertEquals([isEncrypted(texts[3]!), await plain(texts[3]!, key)], [
      true,
      log,
    ]);
    await ends(place, 0, `upload-log ${texts[4]} run.log --crypt-mode none`);
    assertEquals(await plain(texts[4]!, undefined), log);

    await ends(
      place,
      2,
      `upload-log ${texts[5]} run.log --crypt-mode none --keyfile key.json`,
      `upload-log ${texts[5]} run.log --keyfile key.json --keyfd 3`,
      `upload-log ${texts[5]} run.log --crypt-mode other`,
      `upload-log ${texts[5]}`,
    );
    await ends(
      place,
      1,
      `upload-log ${texts[5]} nothing.log`,
      `upload-log ${texts[5]} run.log --keyfile nothing.json`,
    );
    await Deno.remove(`${folder}/config`, { recursive: true });
    await ends(
      place,
      7,
      `upload-log ${texts[5]} run.log --crypt-mode encrypt`,
      `upload-log ${texts[5]} run.log --crypt-mode sign-only`,
    );
    await ends(place, 5, `upload-log ${NO_SNAPSHOT} run.log`);
    assertEquals((await ends(place, 0, `verify -q`)).out, "");
  }));

Deno.test("group forget needs a yes, and keeps what is protected", () =>
  inStore(async (place) => {
    const { store } = place;
    await makeDays(store, 3);
    const asked = await ends(place, 2, "group forget host/h1");
    assertEquals(
      asked.err,
      "pxar: Cannot forget group host/h1: standard input is no terminal to ask on, expected --yes\n",
    );
    assertEquals((await store.snapshots("")).length, 3);
    const group = { namespace: "", type: "host", id: "h1" } as const;
    await store.setProtected({ ...group, time: TIME }, true);
    const partly = await ends(place, 3, "group forget host/h1 --yes");
    assertEquals(
      partly.err,
      "pxar: removed 0 groups and 2 snapshots\n" +
        "pxar: group host/h1 stays, with 1 protected snapshot\n",
    );
    assertEquals((await store.snapshots("")).length, 1);
    await store.setProtected({ ...group, time: TIME }, false);
    const all = await ends(place, 0, "group forget -y host/h1");
    assertEquals(all.err, "pxar: removed 1 group and 1 snapshot\n");
    assertEquals(await store.groups(""), []);
    await ends(place, 5, "group forget host/h1 --yes", "group forget vm/1");
    await ends(place, 2, "group forget host --yes", "group forget");
  }));

systemTest(
  "group forget asks on a terminal",
  ["script"],
  () =>
    inStore(async ({ store, path, folder }) => {
      await makeDays(store, 2);
      const answer = async (text: string) => {
        const child = new Deno.Command("script", {
          args: [
            "-qec",
            `"${Deno.execPath()}" run -q -A "${MAIN}" group forget host/h1 --repository "${path}"`,
            "/dev/null",
          ],
          cwd: folder,
          stdin: "piped",
          stdout: "piped",
        }).spawn();
        // What is typed before the question may be lost.
        let said = "";
        const reader = child.stdout.pipeThrough(new TextDecoderStream())
          .getReader();
        const writer = child.stdin.getWriter();
        let typed: Promise<void> | undefined;
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          said += value;
          if (said.includes("(y/N) ")) {
            typed ??= writer.write(TEXT.encode(text));
          }
        }
        const { code } = await child.status;
        await typed;
        await writer.close().catch(() => {});
        return [code, said] as const;
      };
      for (const no of ["\n", "n\n", "yess\n", "\x04"]) {
        const [code, said] = await answer(no);
        assertEquals(code, 1, said);
        assertMatch(
          said,
          /Forget group host\/h1 with its 2 snapshots\? \(y\/N\) /,
        );
        assertMatch(said, /nothing is removed: group host\/h1 stays/);
      }
      assertEquals((await answer("\x03"))[0], 130);
      assertEquals((await store.snapshots("")).length, 2);
      const [code, said] = await answer("Yes\n");
      assertEquals(code, 0, said);
      assertEquals(await store.groups(""), []);
    }),
);

Deno.test("group notes and change-owner change what the groups are listed with", () =>
  inStore(async (place) => {
    const { store, runWords } = place;
    await makeDays(store, 1);
    const set = await runWords([
      "group",
      "notes",
      "update",
      "host/h1",
      "two\nlines",
    ]);
    assertEquals([set.code, set.out, set.err], [0, "", ""]);
    const shown = await ends(place, 0, "group notes show host/h1");
    assertEquals(shown.out, "two\nlines\n");
    const json = await ends(place, 0, "group notes show host/h1 --json");
    assertEquals(JSON.parse(json.out), { notes: "two\nlines" });
    await ends(place, 0, "change-owner host/h1 backup@pbs!laptop");
    const [info] = JSON.parse((await ends(place, 0, "groups --json")).out);
    assertEquals([info.owner, info.comment], ["backup@pbs!laptop", "two\n"]);
    await runWords(["group", "notes", "update", "host/h1", ""]);
    const [bare] = JSON.parse((await ends(place, 0, "groups --json")).out);
    assertEquals(bare.comment, undefined);
    await ends(
      place,
      2,
      "change-owner host/h1 nobody",
      "change-owner host/h1",
      "change-owner h1 root@pam",
      "group notes update host/h1",
    );
    await ends(
      place,
      5,
      "change-owner host/h2 root@pam",
      "group notes show host/h2",
      "group notes update host/h2 x",
    );
  }));

Deno.test("namespaces are made, listed and deleted", () =>
  inStore(async (place) => {
    const { store } = place;
    await ends(
      place,
      0,
      "namespace create a",
      "namespace create a",
      "namespace create a/b",
      "namespace create c",
    );
    assertEquals((await ends(place, 0, "namespace list")).out, "a\na/b\nc\n");
    assertEquals((await ends(place, 0, "namespace list a")).out, "a\na/b\n");
    const json = await ends(
      place,
      0,
      "namespace list --max-depth 1 --output-format json",
    );
    assertEquals(json.out, '{"data":[{"ns":""},{"ns":"a"},{"ns":"c"}]}\n');
    const none = await ends(place, 0, "namespace list --max-depth 0");
    assertEquals(none.out, "");
    const orphan = await ends(place, 5, "namespace create x/y");
    assertMatch(orphan.err, /namespace x/);
    await makeDays(store, 2, "a/b");
    const snapshots = await ends(place, 0, "snapshots host/h1 --ns a/b");
    assertEquals(snapshots.out.split("\n").length, 8);
    await ends(place, 0, "snapshots");
    const full = await ends(place, 6, "namespace delete a");
    assertMatch(full.err, /there is still group host\/h1 in a\/b\n$/);
    const gone = await ends(place, 0, "namespace delete a --delete-groups");
    assertEquals(gone.err, "pxar: removed 1 group and 2 snapshots\n");
    assertEquals(await store.namespaces(), ["", "c"]);
    await ends(
      place,
      5,
      "namespace delete a",
      "namespace list zz",
      "snapshots --ns zz",
      "groups --ns zz",
    );
    await ends(
      place,
      2,
      "namespace create -x",
      "namespace create a//b",
      "namespace create 1/2/3/4/5/6/7/8",
      "namespace list --max-depth 8",
      "namespace list --max-depth x",
      "namespace create",
      "namespace delete",
    );
    const root = await place.runWords(["namespace", "delete", ""]);
    assertEquals(root.code, 2, root.err);
  }));

Deno.test("names that are none are wrong usage", () =>
  inStore(async (place) => {
    for (
      const line of [
        "snapshot files host/h1",
        "snapshot files host/h1/2023",
        "snapshot files x/h1/2023-11-14T22:13:20Z",
        "snapshot files",
        "snapshot files a b",
        "snapshot list host",
        "snapshot list host/h1/2023-11-14T22:13:20Z",
        "snapshot list --ns ..",
        "snapshot list --output-format xml",
        "snapshot list --json --output-format json",
        "snapshot forget host/h1",
        "snapshot notes show x",
        "snapshot notes update x y",
        "snapshot protected show x",
        "snapshot protected update x true",
        "snapshot upload-log x y",
        "groups host/h1",
        "groups --frobnicate",
        "snapshot",
        "snapshot notes",
        "snapshot notes sho x",
      ]
    ) {
      const { out, err } = await ends(place, 2, line);
      assertEquals([out, err.split("\n").length], ["", 2], err);
      assert(err.startsWith("pxar: Cannot "), err);
    }
    await ends(place, 5, `files ${NO_SNAPSHOT}`, "snapshots host/h1");
  }));

Deno.test("a snapshot that somebody reads cannot be removed", () =>
  inStore(async (place) => {
    const { store } = place;
    if (store.kernel === undefined) return;
    const group = { namespace: "", type: "host", id: "h1" } as const;
    const snapshot = snapshotOf(group, 0);
    await makeSnapshot(store, snapshot);
    await using _reader = await store.open(snapshot);
    const text = "host/h1/2023-11-14T22:13:20Z";
    const busy = await ends(place, 6, `forget ${text}`, `protect ${text} true`);
    assertMatch(busy.err, /it is in use\n$/);
    await ends(place, 0, `snapshot notes update ${text} read-meanwhile`);
  }));
