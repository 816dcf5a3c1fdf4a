// Tables and JSON as the official client prints them.
import { EXIT } from "../../cli/exits.ts";
import { UsageError } from "../../cli/exits.ts";
import { clockText } from "../../cli/show.ts";
import {
  formatOf,
  type JsonValue,
  printResult,
  tableText,
} from "../../cli/table.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

/** What the official client printed, by the command's line. */
const OFFICIAL: ReadonlyMap<string, string> = new Map(
  ["lists.txt", "keys.txt"].flatMap((name) =>
    Deno.readTextFileSync(
      new URL(`../vectors/pbs/client/${name}`, import.meta.url),
    ).split(/^\$ proxmox-backup-client /m).slice(1).map((part) => {
      const end = part.indexOf("\n");
      return [
        part.slice(0, end),
        part.slice(end + 1).replace(/\[exit \d+\]\s*$/, ""),
      ] as const;
    })
  ),
);

function official(line: string): string {
  const text = OFFICIAL.get(line);
  assert(text !== undefined, line);
  return text;
}

/** The cells of an official table. */
function cellsOf(text: string): string[][] {
  return text.split("\n").filter((line) => line.startsWith("│")).map((line) =>
    line.slice(1, -1).split("│").map((cell) => cell.trim())
  );
}

Deno.test("tableText() draws the official tables", () => {
  let tables = 0;
  for (const [line, text] of OFFICIAL) {
    if (!text.startsWith("┌")) continue;
    tables++;
    const rows = cellsOf(text);
    const titled = text.includes("╞");
    const titles = titled ? rows.shift()! : rows[0]!;
    const right = titles.map((_, at) =>
      text.split("\n").filter((one) => one.startsWith("│")).some((one) =>
        /^ {2,}[^ ]/.test(one.slice(1, -1).split("│")[at]!)
      )
    );
    if (line.startsWith("status")) {
      rows.forEach((row) => row[1] = row[1]!.padStart(21));
    }
    const drawn = tableText({
      columns: titles.map((title, at) => ({ title, right: right[at]! })),
      rows,
      header: titled,
    });
    // Longer paths were replaced in the recording, and their cells shrank.
    const shrunk = (text: string) =>
      text.trimEnd().replace(/(│ path +│ \S+) +/, "$1");
    assertEquals(shrunk(drawn), shrunk(text), line);
  }
  assert(tables > 10, `${tables}`);
});

Deno.test("tableText() leaves room for wide letters, and none for marks", () => {
  const text = tableText({
    columns: [{ title: "a" }, { title: "b", right: true }],
    rows: [["日本", "1"], ["e\u0301", "22"], ["😀", ""]],
  });
  assertEquals(
    text,
    `┌──────┬────┐
│ a    │  b │
╞══════╪════╡
│ 日本 │  1 │
├──────┼────┤
│ e\u0301    │ 22 │
├──────┼────┤
│ 😀   │    │
└──────┴────┘
`,
  );
});

Deno.test("tableText() begins further lines of a cell, and escapes what could steer a terminal", () => {
  const table = {
    columns: [{ title: "x" }, { title: "note" }],
    rows: [["1", "two\nlines"], ["2", "\x1b[31m\u202e"]],
  };
  assertEquals(
    tableText(table),
    `┌───┬────────────────────┐
│ x │ note               │
╞═══╪════════════════════╡
│ 1 │ two                │
│   │ lines              │
├───┼────────────────────┤
│ 2 │ \\u{1b}[31m\\u{202e} │
└───┴────────────────────┘
`,
  );
  assertEquals(
    tableText(table, { border: false }),
    "x note\n1 two\n  lines\n2 \\u{1b}[31m\\u{202e}\n",
  );
  assertEquals(
    tableText(table, { border: false, header: false }).split("\n")[0],
    "1 two",
  );
  assertEquals(
    tableText({ columns: [{ title: "a" }], rows: [] }, { header: false }),
    "┌──┐\n└──┘\n",
  );
});

/** What was printed meanwhile. */
function printed(work: () => void): string {
  const write = Deno.stdout.writeSync;
  let text = "";
  Deno.stdout.writeSync = (bytes) => {
    text += new TextDecoder().decode(bytes);
    return bytes.length;
  };
  try {
    work();
  } finally {
    Deno.stdout.writeSync = write;
  }
  return text;
}

Deno.test("printResult() writes JSON as the official client does", () => {
  for (
    const line of [
      "snapshot list",
      "list",
      "snapshot notes show host/h1/2023-11-14T22:13:20Z",
      "namespace list",
      "task list --limit 3",
      "key show enc.json",
    ]
  ) {
    const compact = official(`${line} --output-format json`).trimEnd();
    const shuffled: JsonValue = backwards(JSON.parse(compact));
    const none = () => {
      throw new Error("no table is wanted");
    };
    assertEquals(
      printed(() => printResult("json", shuffled, none)),
      `${compact}\n`,
    );
    assertEquals(
      printed(() => printResult("json-pretty", shuffled, none)),
      `${official(`${line} --output-format json-pretty`).trimEnd()}\n`,
    );
  }
  assertEquals(
    printed(() => printResult("json", { b: undefined, a: [null] }, () => "")),
    '{"a":[null]}\n',
  );
});

/** The same value, its members in another order. */
function backwards(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(backwards);
  return Object.fromEntries(
    Object.entries(value).reverse().map(([name, one]) => [
      name,
      one === undefined ? one : backwards(one),
    ]),
  );
}

Deno.test("printResult() prints no table without rows, and a text as it is", () => {
  const table = { columns: [{ title: "a" }], rows: [] };
  assertEquals(printed(() => printResult("text", [], () => table)), "");
  assertEquals(printed(() => printResult("text", [], () => "a\n")), "a\n");
});

/** With environment variables that are gone afterwards. */
function withEnvironment<T>(
  variables: Readonly<Record<string, string>>,
  work: () => T,
): T {
  for (const [name, value] of Object.entries(variables)) {
    Deno.env.set(name, value);
  }
  try {
    return work();
  } finally {
    for (const name of Object.keys(variables)) Deno.env.delete(name);
  }
}

Deno.test("PROXMOX_OUTPUT_NO_BORDER and PROXMOX_OUTPUT_NO_HEADER take these away", () => {
  const table = { columns: [{ title: "a" }], rows: [["1"]] };
  const print = () => printed(() => printResult("text", [], () => table));
  assertEquals(
    withEnvironment({ PROXMOX_OUTPUT_NO_BORDER: "1" }, print),
    "a\n1\n",
  );
  assertEquals(
    withEnvironment({ PROXMOX_OUTPUT_NO_HEADER: "" }, print),
    "┌───┐\n│ 1 │\n└───┘\n",
  );
});

Deno.test("formatOf() listens to the options first, then to PROXMOX_OUTPUT_FORMAT", () => {
  const of = (
    format: "text" | "json" | "json-pretty" | undefined,
    json = false,
  ) => formatOf({ "output-format": format, json });
  assertEquals(of(undefined), "text");
  assertEquals(of("json"), "json");
  assertEquals(of(undefined, true), "json-pretty");
  assertEquals(of("json-pretty", true), "json-pretty");
  const { exit } = assertThrows(() => of("json", true), UsageError, "--json");
  assertEquals(exit, EXIT.usage);
  withEnvironment({ PROXMOX_OUTPUT_FORMAT: "json" }, () => {
    assertEquals(of(undefined), "json");
    assertEquals(of("text"), "text");
    assertEquals(of(undefined, true), "json-pretty");
  });
  withEnvironment({ PROXMOX_OUTPUT_FORMAT: "xml" }, () => {
    assertThrows(() => of(undefined), UsageError, "PROXMOX_OUTPUT_FORMAT xml");
  });
});

Deno.test("clockText() shows a time as the official client's tables do", () => {
  const at = new Date(2026, 10, 2, 1, 2, 3).getTime() / 1000;
  assertEquals(clockText(at), "Mon Nov  2 01:02:03 2026");
  assertEquals(clockText(1e15), "@1000000000000000");
});
