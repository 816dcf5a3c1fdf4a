/**
 * Results in the three forms that official clients know: a table, JSON on one line, indented JSON.
 *
 * @module
 */
import { UsageError } from "./exits.ts";
import { jsonText, print } from "./output.ts";

/** A result's form. */
export type OutputFormat = "text" | "json" | "json-pretty";

/** A column of a table. */
export interface Column {
  /** What stands above it. */
  readonly title: string;
  /** Whether it is aligned on the right, as numbers are. */
  readonly right?: boolean;
}

/** A table. */
export interface Table {
  /** Its columns, from left to right. */
  readonly columns: readonly Column[];
  /** What stands in them; an empty text where there is nothing. A line feed begins a further line of the same row. */
  readonly rows: readonly (readonly string[])[];
  /** Whether the titles are shown; true unless told. */
  readonly header?: boolean;
}

/** What JSON can say. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined };

/** Two columns for the members of one thing. */
export const PROPERTIES: readonly Column[] = [
  { title: "Name" },
  { title: "Value" },
];

/** Forms as the official client's environment variable names them. */
const FORMATS: readonly OutputFormat[] = ["text", "json", "json-pretty"];
/** Letters that take two places, in rough blocks: East Asian scripts, full-width forms, emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
/** Letters that take no place. */
const NARROW = /[\p{Mn}\p{Me}\p{Cf}]/u;
const ASCII = /^[ -~]*$/;

/**
 * The form that is asked for.
 *
 * @param options The values of the options `output-format` and `json`.
 * @returns Without either of them what `PROXMOX_OUTPUT_FORMAT` says, else `text`.
 * @throws {UsageError} If they contradict each other, or the variable says something else.
 */
export function formatOf(
  options: {
    readonly "output-format": OutputFormat | undefined;
    readonly json: boolean;
  },
): OutputFormat {
  const { "output-format": format, json } = options;
  if (json && (format ?? "json-pretty") !== "json-pretty") {
    throw new UsageError(
      `Cannot use --json with --output-format ${format}: expected one of them`,
    );
  }
  if (json) return "json-pretty";
  if (format !== undefined) return format;
  const set = variable("PROXMOX_OUTPUT_FORMAT");
  const known = FORMATS.find((one) => one === set);
  if (set !== undefined && known === undefined) {
    throw new UsageError(
      `Cannot use PROXMOX_OUTPUT_FORMAT ${set}: expected one of ${
        FORMATS.join(", ")
      }`,
    );
  }
  return known ?? "text";
}

/**
 * Prints a result.
 *
 * @param format Its form.
 * @param value What JSON tells; members are sorted by their names, those that are undefined are left out.
 * @param table Gives what the table tells, or a text that is printed in its place. An empty table is not printed.
 */
export function printResult(
  format: OutputFormat,
  value: JsonValue,
  table: () => Table | string,
): void {
  if (format !== "text") {
    return print(jsonText(sorted(value), format === "json" ? 0 : 2) + "\n");
  }
  const text = table();
  if (typeof text === "string") return print(text);
  if (text.rows.length === 0) return;
  print(tableText(text, {
    border: variable("PROXMOX_OUTPUT_NO_BORDER") === undefined,
    header: variable("PROXMOX_OUTPUT_NO_HEADER") === undefined,
  }));
}

/**
 * A table as text.
 *
 * @param table What it says.
 * @param options Whether lines are drawn, and titles shown: both unless told.
 * @returns Lines of one width; what could steer a terminal is escaped.
 */
export function tableText(
  table: Table,
  options: { readonly border?: boolean; readonly header?: boolean } = {},
): string {
  const { border = true } = options;
  const titled = (options.header ?? true) && (table.header ?? true);
  const cells = table.rows.map((row) => row.map(linesOf));
  const widths = table.columns.map(({ title }, at) =>
    Math.max(
      titled ? widthOf(title) : 0,
      ...cells.map((row) => Math.max(...(row[at] ?? []).map(widthOf))),
    )
  );
  const line = (ends: string, fill: string) =>
    ends[0] + widths.map((width) => fill.repeat(width + 2)).join(ends[1]) +
    ends[2] + "\n";
  const show = (row: readonly (readonly string[])[]) => {
    let text = "";
    for (let at = 0; at < Math.max(...row.map((one) => one.length)); at++) {
      const padded = table.columns.map(({ right }, column) => {
        const cell = row[column]?.[at] ?? "";
        const space = " ".repeat(widths[column]! - widthOf(cell));
        return right ? space + cell : cell + space;
      });
      text += border
        ? `│ ${padded.join(" │ ")} │\n`
        : `${padded.join(" ").trimEnd()}\n`;
    }
    return text;
  };
  const rows = cells.map(show);
  const titles = titled
    ? show(table.columns.map(({ title }) => [title]))
    : undefined;
  if (!border) return (titles ?? "") + rows.join("");
  return line("┌┬┐", "─") +
    (titles === undefined ? "" : titles + line("╞╪╡", "═")) +
    rows.join(line("├┼┤", "─")) + line("└┴┘", "─");
}

/** As the official client's JSON library writes it: members by name. */
function sorted(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
      .map(([name, one]) => [name, one === undefined ? one : sorted(one)]),
  );
}

function linesOf(cell: string): string[] {
  return cell.split("\n").map(harmless);
}

/**
 * Text of any number of lines, to be printed as a result.
 *
 * @param text As somebody wrote it.
 * @returns The same with a line end behind it; on a terminal, nothing in it steers that.
 */
export function linesText(text: string): string {
  return (Deno.stdout.isTerminal() ? linesOf(text).join("\n") : text) + "\n";
}

function harmless(text: string): string {
  return ASCII.test(text) ? text : text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (letter) => `\\u{${letter.codePointAt(0)!.toString(16)}}`,
  );
}

function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const letter of text) {
    width += NARROW.test(letter) ? 0 : WIDE.test(letter) ? 2 : 1;
  }
  return width;
}

/** An environment variable; `undefined` where it may not be read. */
function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}
