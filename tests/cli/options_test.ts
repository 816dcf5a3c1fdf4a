// The parser, and the help text that comes from the same tables.
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { COMMANDS, loadCommand } from "../../cli/commands.ts";
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
      const [program, called, ...args] = words(run);
      assertEquals([program, called], ["pxar", name]);
      command.parse(args);
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

Deno.test("pxar --version prints the package's version", async () => {
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("../../cli/deno.json", import.meta.url)),
  );
  assertEquals(VERSION, version);
  assertEquals((await pxar(["--version"])).out, `pxar ${version}\n`);
});
