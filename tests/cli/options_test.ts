// The parser, and the help text that comes from the same tables.
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import {
  ALIASES,
  aliasesOf,
  COMMANDS,
  commandsOf,
  findCommand,
  GROUPS,
  isGroup,
  loadCommand,
} from "../../cli/commands.ts";
import { UsageError } from "../../cli/exits.ts";
import { commandHelp } from "../../cli/help.ts";
import { parse } from "../../cli/options.ts";
import { VERSION } from "../../cli/version.ts";
import { pxar } from "./run.ts";

const TABLE = {
  name: "do",
  operands: [{ name: "A", help: "" }, {
    name: "B",
    help: "",
    optional: true,
    many: true,
  }],
  options: {
    flag: { kind: "flag", short: "f", help: "" },
    other: { kind: "flag", short: "o", help: "" },
    text: { kind: "text", value: "X", short: "t", help: "" },
    first: { kind: "texts", value: "X", help: "" },
    second: { kind: "texts", value: "X", help: "" },
    count: { kind: "count", value: "N", help: "" },
    choice: { kind: "choice", choices: ["this", "that"], help: "" },
  },
} as const;

Deno.test("parse() takes options anywhere, and keeps their order", () => {
  const parsed = parse(TABLE, [
    "--first",
    "1",
    "a",
    "--second=2",
    "--flag",
    "b",
    "--first=-3",
    "--text",
    "--x",
    "--count",
    "12",
  ]);
  assertEquals(parsed.operands, ["a", "b"]);
  assertEquals(parsed.options, {
    flag: true,
    other: false,
    text: "--x",
    first: ["1", "-3"],
    second: ["2"],
    count: 12,
    choice: undefined,
  });
  assertEquals(parsed.given.map(({ name, value }) => `${name}=${value}`), [
    "first=1",
    "second=2",
    "first=-3",
    "text=--x",
    "count=12",
  ]);
});

Deno.test("parse() takes letters together, attached values, - and --", () => {
  assertEquals(parse(TABLE, ["-fo", "-"]).operands, ["-"]);
  const parsed = parse(TABLE, ["-ftvalue", "--", "--flag", "-f", "true"]);
  assertEquals(parsed.options.text, "value");
  assertEquals(parsed.operands, ["--flag", "-f", "true"]);
  assertEquals(parse(TABLE, ["--flag", "true"]).operands, ["true"]);
  assertEquals(parse(TABLE, ["a", "--flag=false"]).options.flag, false);
  assertEquals(parse(TABLE, ["a", "--text="]).options.text, "");
  assertEquals(parse(TABLE, ["a", "--choice=that"]).options.choice, "that");
});

for (
  const [args, says] of [
    [["a", "--nope"], "--nope"],
    [["a", "-x"], "-x"],
    [["a", "--flag=yes"], "expected nothing behind it"],
    [["a", "--text"], "value is missing"],
    [["a", "--text=1", "--text=2"], "twice"],
    [["a", "--count", "1x"], "whole number"],
    [["a", "--count", "-1"], "whole number"],
    [["a", "--count", "9007199254740992"], "whole number"],
    [["a", "--constructor"], "--constructor"],
    [["a", "--choice", "thi"], "expected one of this, that"],
    [["a", "--choice="], "expected one of this, that"],
    [["a", "--choice"], "--choice this|that"],
    [["a", "--choice=this", "--choice=that"], "twice"],
    [[], "A is missing"],
  ] as const
) {
  Deno.test(`parse() refuses ${JSON.stringify(args)}`, () => {
    assertThrows(() => parse(TABLE, args), UsageError, says);
  });
}

/** Splits a line as a shell does, as far as examples go. */
function words(line: string): string[] {
  const command = line.split(/ [|>] /)[0]!;
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map((one) =>
    one[1] ?? one[2]!
  );
}

for (const name of COMMANDS) {
  Deno.test(`pxar ${name} describes itself`, async () => {
    const command = await loadCommand(name);
    assertEquals(command.name, name);
    const text = commandHelp(command);
    for (const option of Object.keys(command.options)) {
      assert(text.includes(`--${option}`), option);
    }
    for (const line of text.split("\n")) {
      assert(line.length <= 120, `too wide: ${line}`);
    }
    assertEquals(command.examples.length, 2);
    for (const { run } of command.examples) {
      const [program, ...args] = words(run);
      const called = findCommand(args);
      assertEquals([program, called.name], ["pxar", name]);
      command.parse(called.rest);
    }
  });
}

Deno.test("pxar, pxar help and pxar COMMAND --help print help", async () => {
  const [plain, help, about, option] = await Promise.all([
    pxar([]),
    pxar(["help"]),
    pxar(["help", "create"]),
    pxar(["create", "--help", "--json"]),
  ]);
  assertEquals(plain, help);
  assertEquals(plain.code, 0);
  for (const name of COMMANDS) assert(help.out.includes(`  ${name} `), name);
  assert(help.out.includes("Exit codes:"));
  assertEquals(about, option);
  assertEquals(about.out, commandHelp(await loadCommand("create")));
});

Deno.test("findCommand() finds the longest name, and options before it", () => {
  for (
    const [args, name, rest] of [
      [[], undefined, []],
      [["--version"], undefined, ["--version"]],
      [["list"], "list", []],
      [["list", "a", "--json"], "list", ["a", "--json"]],
      [["--json", "list", "a"], "list", ["--json", "a"]],
      [["--exclude", "x", "create", "a", "b"], "create", [
        "--exclude",
        "x",
        "a",
        "b",
      ]],
      [["key", "create", "a"], "key create", ["a"]],
      [["key", "create-master-key"], "key create-master-key", []],
      [["--hint", "x", "key", "create"], "key create", ["--hint", "x"]],
      [["-q", "key", "show", "create"], "key show", ["-q", "create"]],
      // What is no command keeps its place, so that it can be told.
      [["creat", "list"], "creat", ["list"]],
      [["key"], "key", []],
      [["key", "--help"], "key", ["--help"]],
      [["key", "creat", "a"], "key creat", ["a"]],
      // Words of a name stand together.
      [["key", "--kdf=none", "create"], "key", ["--kdf=none", "create"]],
      [["help", "key", "create"], "help", ["key", "create"]],
      [["constructor"], "constructor", []],
    ] as const
  ) assertEquals(findCommand(args), { name, rest: [...rest] });
  const many = Array.from({ length: 100_000 }, () => "key");
  assertEquals(findCommand(["list", ...many]).rest.length, 100_000);
  assertEquals(findCommand(["-l", ...many]).name, "key key");
});

Deno.test("every alias is short for something else, and for one command", () => {
  for (const [alias, name] of Object.entries(ALIASES)) {
    assert(!COMMANDS.some((one) => one === alias) && !isGroup(alias), alias);
    assert(aliasesOf(name).includes(alias));
    const called = findCommand([alias, "a"]);
    const there = COMMANDS.some((one) => one === name);
    assertEquals(called, { name: there ? name : alias, rest: ["a"] });
  }
});

Deno.test("every command of several words is in a group that help shows", async () => {
  for (const name of COMMANDS) {
    if (!name.includes(" ")) continue;
    const [group] = name.split(" ");
    assert(GROUPS[group!], name);
    assert(isGroup(group!));
    assert(commandsOf(group!).includes(name));
  }
  for (const group of Object.keys(GROUPS)) {
    const [asked, option, alone, unknown] = await Promise.all([
      pxar(["help", group]),
      pxar([group, "--help"]),
      pxar([group]),
      pxar(["help", group, "nothing"]),
    ]);
    assertEquals(asked, option);
    assertEquals([asked.code, asked.err], [0, ""]);
    for (const name of commandsOf(group)) {
      assert(asked.out.includes(`  ${name} `), name);
      assert(alone.err.includes(name.slice(group.length + 1)), name);
    }
    assertEquals([alone.code, alone.out], [2, ""]);
    assertEquals(unknown.code, 2);
  }
});

Deno.test("pxar help takes commands of several words", async () => {
  const [about, option, before] = await Promise.all([
    pxar(["help", "key", "create"]),
    pxar(["key", "create", "--help"]),
    pxar(["--help", "key", "create"]),
  ]);
  assertEquals(about.out, commandHelp(await loadCommand("key create")));
  assertEquals([option, before], [about, about]);
  assert(about.out.includes("Usage: pxar key create [PATH] [OPTION...]"));
  assert(about.out.includes("--kdf none|scrypt|pbkdf2"));
  const { code, err } = await pxar(["key", "shwo"]);
  assertEquals(code, 2);
  assertEquals(
    err,
    'pxar: Cannot run "key shwo": "pxar help" does not know such a command, perhaps key show is meant\n',
  );
});

Deno.test("pxar --version prints the package's version", async () => {
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("../../cli/deno.json", import.meta.url)),
  );
  assertEquals(VERSION, version);
  assertEquals((await pxar(["--version"])).out, `pxar ${version}\n`);
});
