// Secrets: every place they may come from, in which order, and what a terminal shows of them.
import fc from "fast-check";
import { ExitError, UsageError } from "../../cli/exits.ts";
import { findSecret, getSecret, newPassphrase } from "../../cli/secret.ts";
import { shellWords } from "../../cli/shell_words.ts";
import { KeyError } from "@pxar/format/errors";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { inFolder, MAIN, pxar } from "./run.ts";

const NAMES = ["PBS_ENCRYPTION_PASSWORD", "PBS_PASSWORD", "PBS_REPOSITORY"];

/** With these variables alone of all that secrets are looked for in. */
async function withVariables<T>(
  variables: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  const all = [
    "CREDENTIALS_DIRECTORY",
    ...NAMES.flatMap((name) =>
      ["", "_FD", "_FILE", "_CMD"].map((ending) => name + ending)
    ),
  ];
  const before = new Map(all.map((name) => [name, Deno.env.get(name)]));
  for (const name of all) Deno.env.delete(name);
  for (const [name, value] of Object.entries(variables)) {
    Deno.env.set(name, value);
  }
  try {
    return await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

const found = (variables: Readonly<Record<string, string>>) =>
  withVariables(variables, () => findSecret("encryption"));

Deno.test("findSecret() uses the first line of the variable", async () => {
  assertEquals(await found({}), undefined);
  assertEquals(await found({ PBS_ENCRYPTION_PASSWORD: "a b" }), "a b");
  assertEquals(await found({ PBS_ENCRYPTION_PASSWORD: "a\r\nb" }), "a");
  assertEquals(await found({ PBS_ENCRYPTION_PASSWORD: "" }), "");
  assertEquals(await found({ PBS_PASSWORD: "another" }), undefined);
  assertEquals(
    await withVariables(
      { PBS_REPOSITORY: "./store" },
      () => findSecret("repository"),
    ),
    "./store",
  );
});

Deno.test("findSecret() looks at the variable, _FD, _FILE and _CMD in this order", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "of the file\nmore\n");
    const variables: Record<string, string> = {
      PBS_ENCRYPTION_PASSWORD: "plain",
      PBS_ENCRYPTION_PASSWORD_FILE: `${folder}/file`,
      PBS_ENCRYPTION_PASSWORD_CMD: "echo of the command",
      CREDENTIALS_DIRECTORY: folder,
    };
    await Deno.writeTextFile(
      `${folder}/proxmox-backup-client.encryption-password`,
      "of systemd\n",
    );
    for (
      const [name, expected] of [
        ["PBS_ENCRYPTION_PASSWORD", "plain"],
        ["PBS_ENCRYPTION_PASSWORD_FILE", "of the file"],
        ["PBS_ENCRYPTION_PASSWORD_CMD", "of the command"],
        ["CREDENTIALS_DIRECTORY", "of systemd\n"],
      ] as const
    ) {
      assertEquals(await found(variables), expected);
      delete variables[name];
    }
    assertEquals(await found(variables), undefined);
    assertEquals(
      await found({ CREDENTIALS_DIRECTORY: `${folder}/none` }),
      undefined,
    );
  }));

Deno.test("findSecret() runs a command without a shell", async () => {
  const of = (line: string) => found({ PBS_ENCRYPTION_PASSWORD_CMD: line });
  assertEquals(await of(`printf '%s\\n%s' "a \\"b\\" $HOME" c`), 'a "b" $HOME');
  assertEquals(await of("echo a; echo b"), "a; echo b");
  assertEquals(await of("true"), "");
  await assertRejects(() => of("echo 'a"), UsageError, "quotes closed");
  await assertRejects(() => of("  "), UsageError, "expected a program");
  await assertRejects(() => of("/no/such/program"), ExitError, "Cannot run");
  await assertRejects(() => of("sh -c 'exit 3'"), ExitError, "ended with 3");
});

Deno.test("findSecret() says what cannot be read, and never what was", () =>
  inFolder(async (folder) => {
    const of = (path: string) => found({ PBS_ENCRYPTION_PASSWORD_FILE: path });
    await assertRejects(
      () => of(`${folder}/none`),
      ExitError,
      `Cannot read ${folder}/none (PBS_ENCRYPTION_PASSWORD_FILE): no such file`,
    );
    await Deno.writeFile(`${folder}/bytes`, Uint8Array.of(0xff, 0x0a, 0x41));
    await assertRejects(() => of(`${folder}/bytes`), ExitError, "not UTF-8");
    await Deno.writeTextFile(`${folder}/long`, "secret".repeat(20000));
    const error = await assertRejects(() => of(`${folder}/long`), ExitError);
    assert(!error.message.includes("secretsecret"), error.message);
    await Deno.writeTextFile(
      `${folder}/long`,
      "short\n" + "x".repeat(1 << 20),
    );
    assertEquals(await of(`${folder}/long`), "short");
    for (const descriptor of ["x", "-1", "", "1e3", "4294967296"]) {
      await assertRejects(
        () => found({ PBS_ENCRYPTION_PASSWORD_FD: descriptor }),
        UsageError,
        "expected the number of an open descriptor",
      );
    }
  }));

Deno.test("newPassphrase() refuses short ones, and says what is wrong without them", () =>
  withVariables({ PBS_ENCRYPTION_PASSWORD: "äb" }, async () => {
    const error = await assertRejects(
      () => newPassphrase("encryption", "New passphrase", 5),
      KeyError,
      "Cannot use new passphrase: it has 3 bytes, expected 5 or more",
    );
    assert(!error.message.includes("äb"));
    assertEquals(await getSecret("encryption", "Passphrase"), "äb");
  }));

systemTest(
  "a secret comes out of a descriptor, as it is given by a shell",
  ["unix"],
  () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/secret`, "by descriptor\nmore");
      const line = (redirection: string, descriptor: number) =>
        new Deno.Command("bash", {
          args: [
            "-c",
            `exec ${redirection}; PBS_ENCRYPTION_PASSWORD_FD=${descriptor} "$0" run -qA "$1" key create "$2" --kdf pbkdf2`,
            Deno.execPath(),
            MAIN,
            `key${descriptor}.json`,
          ],
          cwd: folder,
          env: { NO_COLOR: "1" },
        }).output();
      for (
        const [redirection, descriptor] of [
          ["7< secret", 7],
          ["0< secret", 0],
          ["9< <(printf 'by descriptor\\n')", 9],
        ] as const
      ) {
        const { code, stderr } = await line(redirection, descriptor);
        assertEquals(code, 0, new TextDecoder().decode(stderr));
        const opened = await pxar(
          ["key", "change-passphrase", `key${descriptor}.json`, "--kdf=none"],
          {
            cwd: folder,
            env: { PBS_ENCRYPTION_PASSWORD: "by descriptor" },
          },
        );
        assertEquals(opened.code, 0, opened.err);
      }
      const { code, stderr } = await line("8< /dev/null", 77);
      assertEquals(code, 1);
      assertStringIncludes(
        new TextDecoder().decode(stderr),
        "Cannot read /dev/fd/77 (PBS_ENCRYPTION_PASSWORD_FD)",
      );
    }),
);

/** The program on a terminal, where each answer is typed once its question is there; gives what the terminal showed. */
async function typed(
  folder: string,
  args: string | readonly [before: string, args: string],
  answers:
    readonly (readonly [question: string, answer: string | (() => void)])[],
): Promise<{ readonly code: number; readonly shown: string }> {
  const [before, after] = typeof args === "string" ? ["", args] : args;
  const child = new Deno.Command("script", {
    args: [
      "-qec",
      `${before} "${Deno.execPath()}" run -qA "${MAIN}" ${after}`,
      "/dev/null",
    ],
    cwd: folder,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  const text = new TextDecoder();
  let shown = "", from = 0, next = 0;
  for await (const piece of child.stdout) {
    shown += text.decode(piece, { stream: true });
    const [question, answer] = answers[next] ?? ["\0", ""];
    const at = shown.indexOf(question, from);
    if (at < 0) continue;
    from = at + question.length;
    next++;
    if (typeof answer === "function") answer();
    else await writer.write(new TextEncoder().encode(answer));
  }
  await writer.close().catch(() => {});
  return { code: (await child.status).code, shown };
}

systemTest(
  "a passphrase is asked for twice on a terminal, and not shown",
  ["script"],
  () =>
    inFolder(async (folder) => {
      const made = await typed(folder, "key create a.json --kdf pbkdf2", [
        ["New passphrase of the key: ", "wrong\x15öx\x7f\x7föpen sesame\r"],
        ["The same again: ", "öpen sesame\n"],
      ]);
      assertEquals(made.code, 0, made.shown);
      assert(!made.shown.includes("sesame"), made.shown);
      const opened = await typed(
        folder,
        "key change-passphrase a.json --kdf none",
        [["Passphrase of the key: ", "öpen sesame\r"]],
      );
      assertEquals(opened.code, 0, opened.shown);

      const twice = await typed(folder, "key create b.json", [
        ["New passphrase of the key: ", "open sesame\r"],
        ["The same again: ", "open sesam\r"],
      ]);
      assertEquals(twice.code, 7, twice.shown);
      assertStringIncludes(twice.shown, "it was not the same both times");
      const short = await typed(folder, "key create b.json", [
        ["New passphrase of the key: ", "open\r"],
      ]);
      assertEquals(short.code, 7, short.shown);
      assertStringIncludes(short.shown, "it has 4 bytes");
      assert(!short.shown.includes("again"));
      const stopped = await typed(folder, "key create b.json", [
        ["New passphrase of the key: ", "open\x03"],
      ]);
      assertEquals(stopped.code, 130, stopped.shown);
      const ended = await typed(folder, "key create b.json", [
        ["New passphrase of the key: ", "\x04"],
      ]);
      assertEquals(ended.code, 1, ended.shown);
      assertEquals(
        [...Deno.readDirSync(folder)].map((one) => one.name),
        ["a.json"],
      );
    }),
);

systemTest(
  "both answers may be typed ahead, and a signal ends the question",
  ["script"],
  () =>
    inFolder(async (folder) => {
      const made = await typed(folder, "key create a.json --kdf pbkdf2", [
        ["New passphrase of the key: ", "open sesame\ropen sesame\r"],
      ]);
      assertEquals(made.code, 0, made.shown);
      const { code, shown } = await typed(
        folder,
        [
          "sh -c 'echo $$ > pid; exec",
          "key create b.json'; echo ended with $?; stty -a | grep -o ' echo '",
        ],
        [[
          "New passphrase of the key: ",
          () => Deno.kill(Number(Deno.readTextFileSync(`${folder}/pid`))),
        ]],
      );
      assertEquals(code, 0, shown);
      assertStringIncludes(shown, "ended with 143");
      // The terminal is as it was: what is typed is shown.
      assertStringIncludes(shown, " echo ");
    }),
);

Deno.test("without a terminal and a variable, the question is an error", async () => {
  const { code, err } = await pxar(["key", "create", "/nowhere/a.json"]);
  assertEquals(code, 7);
  assertStringIncludes(
    err,
    "Cannot ask for new passphrase of the key: standard input is no terminal, expected one, or PBS_ENCRYPTION_PASSWORD, PBS_ENCRYPTION_PASSWORD_FD,",
  );
});

for (
  const [line, words] of [
    ["", []],
    [" a  b\tc\nd ", ["a", "b", "c", "d"]],
    ["'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]],
    [`'a'"b"c`, ["abc"]],
    [`''`, [""]],
    [`a "" b`, ["a", "", "b"]],
    [`'\\' "\\\\ \\" \\$ \\a"`, ["\\", '\\ " $ \\a']],
    ["a\\\nb", ["ab"]],
    ["a # b", ["a"]],
    ["a#b # c\nd", ["a#b", "d"]],
    ["'a", undefined],
    ['"a', undefined],
    ['"a\\', undefined],
    ["a\\", undefined],
  ] as const
) {
  Deno.test(`shellWords() of ${JSON.stringify(line)}`, () => {
    assertEquals(shellWords(line), words as string[] | undefined);
  });
}

Deno.test("shellWords() is the inverse of quoting", () => {
  fc.assert(fc.property(fc.array(fc.string()), (words) => {
    const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
      .join(" ");
    assertEquals(shellWords(line), words);
  }));
});
