// The key commands: what the official client prints, files that belong to their owner alone, and how each mistake ends.
import { CryptKey, fingerprintText } from "@pxar/chunk/key";
import {
  createKeyFile,
  decodeKeyFile,
  encodeKeyFile,
  openKeyFile,
} from "@pxar/chunk/key_file";
import { readPaperKey } from "@pxar/chunk/paper_key";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { mounted } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { inFolder, names, pxar, type RunOptions } from "./run.ts";

const PBS = new URL("../vectors/pbs/", import.meta.url);
const STORE_KEYS = new URL("../vectors/store/keys/", import.meta.url);
const OFFICIAL = Deno.readTextFileSync(new URL("client/keys.txt", PBS));

/** A folder with copies of the golden keys, settings of its own, and no secrets from around. */
async function inKeys(
  work: (
    run: (args: string, options?: RunOptions) => ReturnType<typeof pxar>,
    folder: string,
  ) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    for (
      const name of [
        "enc.json",
        "none.json",
        "master-public.pem",
        "master-private.pem",
      ]
    ) {
      await Deno.copyFile(new URL(`keys/${name}`, PBS), `${folder}/${name}`);
    }
    await Deno.chmod(`${folder}/enc.json`, 0o600).catch(() => {});
    const env = {
      XDG_CONFIG_HOME: `${folder}/config`,
      XDG_CONFIG_DIRS: `${folder}/xdg`,
    };
    await work((args, options = {}) =>
      pxar(args.split(" "), {
        cwd: folder,
        ...options,
        env: { ...env, ...options.env },
      }), folder);
  });
}

function read(path: string): string {
  return Deno.readTextFileSync(path);
}

function modeOf(path: string): number {
  return Deno.statSync(path).mode! & 0o777;
}

/** Longer paths were replaced in the recording, and their cells shrank. */
function shrunk(text: string): string {
  return text.replace(/(│ path +│ \S+) +/, "$1");
}

Deno.test("pxar key show prints what the official client prints", () =>
  inKeys(async (run) => {
    let compared = 0;
    for (const part of OFFICIAL.split(/^\$ proxmox-backup-client /m)) {
      const [, line, expected] = /^(key show[^\n]*)\n(┌[^]*|{[^]*)\[exit 0\]/
        .exec(part) ?? [];
      if (line === undefined) continue;
      compared++;
      const { code, out, err } = await run(line);
      assertEquals([code, err], [0, ""], line);
      assertEquals(shrunk(out), shrunk(expected!), line);
    }
    assertEquals(compared, 5);
    const same = await run("key show --json enc.json");
    assertEquals(
      same.out,
      (await run("key show enc.json --output-format json-pretty")).out,
    );
    const pem = await run("key show-master-pubkey master-public.pem --json");
    const told = JSON.parse(pem.out);
    assertEquals(Object.keys(told), ["exponent", "length", "modulus", "path"]);
    assertEquals([told.exponent, told.length], ["65537", 4096]);
  }));

Deno.test("pxar key paperkey prints what the official client prints", () =>
  inKeys(async (run) => {
    const expected =
      /key paperkey none.json --subject vector --output-format text\n([\s\S]*?)\[exit 0\]/
        .exec(OFFICIAL)![1]!;
    const text = (printed: string) =>
      printed.split("\n").filter((line) => !/^[ ▀▄█]+$/.test(line)).join("\n");
    const { out } = await run(
      "key paperkey none.json --subject vector --output-format text",
    );
    assertEquals(text(out), text(expected));
    assertEquals(out.split("\n").length, expected.split("\n").length);
    const page = await run("key paperkey none.json");
    assert(page.out.startsWith("<!DOCTYPE html>"), page.err);
    assertEquals(
      decodeKeyFile(readPaperKey(page.out)),
      decodeKeyFile(read(new URL("keys/none.json", PBS).pathname)),
    );
    const pem = await run(
      "key paperkey master-private.pem --output-format text",
    );
    assertEquals(
      readPaperKey(pem.out),
      read(new URL("keys/master-private.pem", PBS).pathname),
    );
    const refused = await run("key paperkey master-public.pem");
    assertEquals(refused.code, 4, refused.err);
    assertMatch(refused.err, /it is a block PUBLIC KEY/);
  }));

Deno.test("pxar key create makes a file that its owner alone can read", () =>
  inKeys(async (run, folder) => {
    const env = { PBS_ENCRYPTION_PASSWORD: "five5" };
    const made = await pxar(
      ["key", "create", "new.json", "--hint", "a hint – ä"],
      { cwd: folder, env },
    );
    assertEquals([made.code, made.out], [0, ""], made.err);
    const text = read(`${folder}/new.json`);
    const file = decodeKeyFile(text);
    assertEquals([file.kdf?.kind, file.hint], ["scrypt", "a hint – ä"]);
    const opened = await openKeyFile(file, "five5");
    assertEquals(
      made.err,
      `pxar: the key is in new.json, fingerprint ${
        fingerprintText(opened.fingerprint)
      }\n`,
    );
    if (Deno.build.os !== "windows") {
      assertEquals(modeOf(`${folder}/new.json`), 0o600);
    }
    const again = await run("key create new.json", { env });
    assertEquals(again.code, 1);
    assertEquals(
      again.err,
      "pxar: Cannot create new.json: it exists, expected another place\n",
    );
    assertEquals(read(`${folder}/new.json`), text);
    const short = await run("key create short.json", {
      env: { PBS_ENCRYPTION_PASSWORD: "four" },
    });
    assertEquals(short.code, 7, short.err);
    const open = await run("key create open.json --kdf none -q");
    assertEquals([open.code, open.err], [0, ""]);
    assertEquals(decodeKeyFile(read(`${folder}/open.json`)).kdf, undefined);
    assertEquals(
      names(folder).filter((name) => !/^(enc|none|mas)/.test(name)),
      [
        "new.json",
        "open.json",
      ],
    );
  }));

Deno.test("pxar key create without a path makes the default key, which the others find", () =>
  inKeys(async (run, folder) => {
    const none = await run("key show");
    assertEquals(none.code, 7);
    assertMatch(none.err, /there is no default one, expected PATH/);
    const made = await run("key create --kdf none");
    assertEquals(made.code, 0, made.err);
    const place = `${folder}/config/proxmox-backup/encryption-key.json`;
    const { fingerprint } = decodeKeyFile(read(place));
    const shown = await run("key show --output-format json");
    assertEquals(
      JSON.parse(shown.out).fingerprint,
      fingerprintText(fingerprint!),
    );
    assertEquals(JSON.parse(shown.out).path, `"${place}"`);
    if (Deno.build.os !== "windows") {
      assertEquals(modeOf(place), 0o600);
      assertEquals(modeOf(`${folder}/config/proxmox-backup`), 0o700);
    }
    assertEquals((await run("key create --kdf none")).code, 1);
    // Where settings of the whole machine lie.
    await Deno.rename(`${folder}/config`, `${folder}/xdg`);
    const everybody = await run("key show --json");
    assertEquals(
      JSON.parse(everybody.out).path,
      `"${folder}/xdg/proxmox-backup/encryption-key.json"`,
    );
    const home = await run("key create --kdf none", {
      env: { XDG_CONFIG_HOME: "", HOME: `${folder}/home` },
    });
    assertEquals(home.code, 0, home.err);
    assertEquals(names(`${folder}/home/.config/proxmox-backup`), [
      "encryption-key.json",
    ]);
  }));

Deno.test("pxar key change-passphrase keeps the key and when it was made", () =>
  inKeys(async (run, folder) => {
    const before = decodeKeyFile(read(`${folder}/enc.json`));
    const env = {
      PBS_ENCRYPTION_PASSWORD: "vector-pass-1",
      PXAR_NEW_PASSWORD: "vector-pass-3",
    };
    const { code, err } = await run(
      "key change-passphrase enc.json --kdf pbkdf2 --hint=new",
      { env },
    );
    assertEquals([code, err], [0, "pxar: enc.json has a new passphrase\n"]);
    const after = decodeKeyFile(read(`${folder}/enc.json`));
    assertEquals(after.created, before.created);
    assertEquals(after.fingerprint, before.fingerprint);
    assertEquals([after.kdf?.kind, after.hint], ["pbkdf2", "new"]);
    await openKeyFile(after, "vector-pass-3");
    if (Deno.build.os !== "windows") {
      assertEquals(modeOf(`${folder}/enc.json`), 0o600);
    }
    const text = read(`${folder}/enc.json`);
    const wrong = await run("key change-passphrase enc.json", { env });
    assertEquals(wrong.code, 7);
    assertEquals(
      wrong.err,
      "pxar: Cannot open key file: the passphrase is not the one it was locked with, or its data are damaged (hint: new)\n",
    );
    assertEquals(read(`${folder}/enc.json`), text);
    await Deno.symlink("enc.json", `${folder}/link.json`);
    const open = await run("key change-passphrase link.json --kdf none", {
      env: { PBS_ENCRYPTION_PASSWORD: "vector-pass-3" },
    });
    assertEquals(open.code, 0, open.err);
    assertEquals(decodeKeyFile(read(`${folder}/enc.json`)).kdf, undefined);
    assert(Deno.lstatSync(`${folder}/link.json`).isSymlink);
    const locked = await run("key change-passphrase enc.json", { env });
    assertEquals(locked.code, 0, locked.err);
    await openKeyFile(read(`${folder}/enc.json`), "vector-pass-3");
  }));

systemTest(
  "pxar key change-passphrase leaves the old file where the disk is full",
  ["mount"],
  () =>
    inKeys(async (run, folder) => {
      await Deno.mkdir(`${folder}/full`);
      const options = ["-t", "tmpfs", "-o", "size=4k", "none"];
      await mounted(options, `${folder}/full`, async () => {
        await Deno.copyFile(`${folder}/enc.json`, `${folder}/full/enc.json`);
        const env = {
          PBS_ENCRYPTION_PASSWORD: "vector-pass-1",
          PXAR_NEW_PASSWORD: "vector-pass-3",
        };
        const { code, err } = await run(
          "key change-passphrase full/enc.json --kdf pbkdf2",
          { env },
        );
        assertEquals(code, 1, err);
        assertMatch(err, /^pxar: Cannot write .*enc\.json: no space left/);
        assertEquals(names(`${folder}/full`), ["enc.json"]);
        assertEquals(
          read(`${folder}/full/enc.json`),
          read(`${folder}/enc.json`),
        );
      });
    }),
);

Deno.test("a master key opens a lost key, from the backup's file and from the datastore's", () =>
  inKeys(async (run, folder) => {
    const rsa = JSON.parse(read(new URL("rsa.json", STORE_KEYS).pathname));
    const [master, plain, blob] = [
      rsa.privatePemEncrypted,
      rsa.ciphertext,
      rsa.blob,
    ].map((name) => new URL(name, STORE_KEYS).pathname);
    const env = {
      PXAR_MASTER_PASSWORD: rsa.privatePassphrase,
      PBS_ENCRYPTION_PASSWORD: "a new one",
    };
    for (const [name, locked] of [["a.json", plain], ["b.json", blob]]) {
      const { code, err } = await run(
        `key import-with-master-key ${name} --master-keyfile ${master} --encrypted-keyfile ${locked} --kdf pbkdf2 --hint h`,
        { env },
      );
      assertEquals(code, 0, err);
      assertStringIncludes(err, rsa.fingerprint);
      const opened = await openKeyFile(read(`${folder}/${name}`), "a new one");
      assertEquals(fingerprintText(opened.fingerprint), rsa.fingerprint);
      assertEquals([opened.created, opened.hint], [rsa.created, "h"]);
    }
    const line =
      `key import-with-master-key c.json --master-keyfile ${master} --encrypted-keyfile`;
    const wrong = await run(`${line} ${plain}`, {
      env: { ...env, PXAR_MASTER_PASSWORD: "wrong" },
    });
    assertEquals(wrong.code, 7, wrong.err);
    assertMatch(wrong.err, /Cannot open private key: the passphrase is not/);
    const another = await run(
      `key import-with-master-key c.json --master-keyfile master-private.pem --encrypted-keyfile ${plain}`,
      { env: { ...env, PXAR_MASTER_PASSWORD: "vector-pass-2" } },
    );
    assertEquals(another.code, 7, another.err);
    assertMatch(another.err, /it was locked with another master key/);
    const damaged = `${folder}/damaged.blob`;
    const bytes = Deno.readFileSync(blob!);
    bytes[100]! ^= 1;
    await Deno.writeFile(damaged, bytes);
    const torn = await run(`${line} ${damaged}`, { env });
    assertEquals(torn.code, 4, torn.err);
    const missing = await run(`key import-with-master-key --kdf none`);
    assertEquals(missing.code, 2);
    assertMatch(missing.err, /--master-keyfile FILE is missing/);
    assert(!names(folder).includes("c.json"));
  }));

Deno.test("pxar key create-master-key makes both halves, the private one for its owner alone", () =>
  inKeys(async (run, folder) => {
    const env = { PXAR_MASTER_PASSWORD: "of the master" };
    const there = await run("key create-master-key", { env });
    assertEquals(there.code, 1);
    assertMatch(there.err, /Cannot create master-public\.pem: it exists/);
    await Deno.mkdir(`${folder}/new`);
    const cwd = `${folder}/new`;
    const silent = await run("key create-master-key", { cwd });
    assertEquals(silent.code, 7);
    assertMatch(silent.err, /PXAR_MASTER_PASSWORD_FD/);
    const made = await run("key create-master-key -q", { cwd, env });
    assertEquals([made.code, made.out, made.err], [0, "", ""]);
    assertEquals(names(cwd), ["master-private.pem", "master-public.pem"]);
    if (Deno.build.os !== "windows") {
      assertEquals(modeOf(`${cwd}/master-private.pem`), 0o600);
      assertEquals(modeOf(`${cwd}/master-public.pem`), 0o644);
    }
    const bits = JSON.parse(
      (await run("key show-master-pubkey master-public.pem --json", { cwd }))
        .out,
    ).length;
    assertEquals(bits, 4096);
  }));

Deno.test("pxar key import-master-pubkey makes a checked default", () =>
  inKeys(async (run, folder) => {
    const none = await run("key show-master-pubkey");
    assertEquals(none.code, 7, none.err);
    for (const wrong of ["master-private.pem", "enc.json"]) {
      const { code, err } = await run(`key import-master-pubkey ${wrong}`);
      assertEquals(code, 4, err);
    }
    const small = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { generateKeyPairSync } from "node:crypto";
        const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
        Deno.writeTextFileSync("small.pem", publicKey.export({ type: "spki", format: "pem" }));`,
      ],
      cwd: folder,
    }).output();
    assert(small.success);
    const refused = await run("key import-master-pubkey small.pem");
    assertEquals(refused.code, 7, refused.err);
    assertMatch(refused.err, /it has 2048 bits, expected 2128 or more/);
    for (let twice = 0; twice < 2; twice++) {
      const { code, err } = await run(
        "key import-master-pubkey master-public.pem",
      );
      assertEquals(code, 0, err);
    }
    const place = `${folder}/config/proxmox-backup/master-public.pem`;
    assertEquals(read(place), read(`${folder}/master-public.pem`));
    const shown = await run("key show-master-pubkey --json");
    assertEquals(JSON.parse(shown.out).path, place);
  }));

Deno.test("what is no key file ends with 4, and what is not there with 1", () =>
  inKeys(async (run, folder) => {
    const key = CryptKey.of(new Uint8Array(32));
    const file = await createKeyFile(key, undefined);
    await Deno.writeTextFile(
      `${folder}/other.json`,
      encodeKeyFile({ ...file, fingerprint: new Uint8Array(32) }),
    );
    await Deno.writeTextFile(
      `${folder}/cut.json`,
      encodeKeyFile(file).slice(9),
    );
    await Deno.writeFile(`${folder}/bytes.json`, new Uint8Array(9).fill(255));
    await Deno.writeFile(`${folder}/long.json`, new Uint8Array(1 << 20));
    for (const name of ["cut", "bytes", "long"]) {
      for (const command of ["show", "paperkey", "change-passphrase"]) {
        const { code, err, out } = await run(`key ${command} ${name}.json`);
        assertEquals([code, out], [4, ""], err);
        assertMatch(err, /^pxar: Cannot read [^\n]*\n$/);
      }
    }
    const other = await run("key change-passphrase other.json --kdf none");
    assertEquals(other.code, 4, other.err);
    assertMatch(other.err, /its key has the fingerprint .*, expected 00:00/);
    const none = await run("key show nofile.json");
    assertEquals(
      [none.code, none.err],
      [1, "pxar: Cannot read nofile.json: no such file or directory\n"],
    );
    assertEquals((await run("key show .")).code, 1);
  }));

Deno.test("options of the key commands that do not go together are wrong usage", () =>
  inKeys(async (run, folder) => {
    const before = names(folder);
    for (
      const [args, says] of [
        ["key create a.json --kdf bcrypt", "one of none, scrypt, pbkdf2"],
        ["key create a.json --kdf none --hint x", "nothing to be reminded of"],
        ["key create a.json --hint=", "it has 0 letters"],
        [`key create a.json --hint=${"x".repeat(65)}`, "it has 65 letters"],
        ["key show enc.json --output-format xml", "one of text, json,"],
        ["key show enc.json --json --output-format text", "one of them"],
        ["key show enc.json none.json", "one operand too many"],
        ["key paperkey enc.json --output-format json", "one of text, html"],
        ["key paperkey enc.json --subject=a\nb", "expected one line"],
        ["key import-master-pubkey", "PATH is missing"],
        ["key create a.json --force", '"pxar help key create" does not know'],
      ] as const
    ) {
      const { code, err } = await run(args);
      assertEquals(code, 2, err);
      assertStringIncludes(err, says);
    }
    assertEquals(names(folder), before);
  }));
