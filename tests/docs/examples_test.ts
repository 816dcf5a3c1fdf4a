// Every program in examples/ runs.
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../support/assert.ts";
import { ROOT } from "../../tasks/workspace.ts";

const TEXT = new TextDecoder();
/** Where an example finds its secret. */
const SECRET = { PASSPHRASE: "correct horse" };

/** Runs an example, which must end well. */
async function run(name: string, ...args: string[]): Promise<Uint8Array> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${ROOT}examples/${name}.ts`, ...args],
    cwd: ROOT,
    env: SECRET,
  }).output();
  assertEquals(code, 0, TEXT.decode(stderr));
  return stdout;
}

/** Runs the program, which must end well. */
async function pxar(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${ROOT}cli/main.ts`, ...args],
  }).output();
  assertEquals(code, 0, TEXT.decode(stderr));
  return TEXT.decode(stdout);
}

Deno.test("examples make, filter and copy", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const made = `${folder}/made.pxar`;
    await Deno.writeFile(made, await run("make_archive"));
    assertEquals(
      await pxar("list", made),
      '"/"\n"/hello.txt"\n"/link"\n"/null"\n',
    );
    assertEquals(await pxar("cat", made, "/hello.txt"), "Hello!\n");

    await Deno.mkdir(`${folder}/tree`);
    await Deno.writeTextFile(`${folder}/tree/keep`, "kept");
    await Deno.writeTextFile(`${folder}/tree/drop.tmp`, "dropped");
    await pxar("create", `${folder}/tree.pxar`, `${folder}/tree`);
    await Deno.writeFile(
      `${folder}/kept.pxar`,
      await run("filter_archive", `${folder}/tree.pxar`),
    );
    assertEquals(await pxar("list", `${folder}/kept.pxar`), '"/"\n"/keep"\n');

    const said = TEXT.decode(
      await run("backup_directory", `${folder}/tree`, `${folder}/copy`),
    );
    assertStringIncludes(said, "0 errors");
    assertEquals(await Deno.readTextFile(`${folder}/copy/keep`), "kept");
    assertEquals(await Deno.readTextFile(`${folder}/copy/drop.tmp`), "dropped");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("examples count chunks, keep a snapshot, sign and lock", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const bytes = new Uint8Array(1 << 16).map((_, i) => i * i >> 7);
    await Deno.mkdir(`${folder}/tree`);
    for (const name of ["one", "two"]) {
      await Deno.writeFile(`${folder}/tree/${name}`, bytes);
    }
    assertEquals(
      TEXT.decode(
        await run(
          "dedup_statistics",
          `${folder}/tree/one`,
          `${folder}/tree/two`,
        ),
      ),
      "2 chunks of 131072 bytes\n1 distinct ones of 65536 bytes\n50.0 % saved, before compression\n",
    );

    const store = `${folder}/store`;
    const said = TEXT.decode(
      await run("local_datastore", store, `${folder}/tree`),
    );
    assert(/^\d+ bytes in 1 chunks, \d+ stored\none\ntwo\n$/.test(said), said);
    const [snapshot] = Deno.readDirSync(`${store}/host/me`)
      .filter((one) => one.isDirectory).map((one) => one.name);
    assertEquals(
      [...Deno.readDirSync(`${store}/host/me/${snapshot}`)]
        .map((one) => one.name).sort(),
      ["index.json.blob", "root.pxar.didx"],
    );

    const signed = TEXT.decode(await run("sign_manifest"));
    assertStringIncludes(signed, '"signature": "');
    assertStringIncludes(signed, "its signature is wrong");

    const key = `${folder}/key.json`;
    const shown = TEXT.decode(await run("key_file", key));
    assertStringIncludes(shown, "-----END PROXMOX BACKUP KEY-----");
    const { fingerprint } = JSON.parse(await Deno.readTextFile(key));
    assertStringIncludes(shown, fingerprint);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
