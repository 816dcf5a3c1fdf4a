/**
 * How the differences of two trees are shown: lines, values, counts, JSON.
 *
 * @module
 */
import type { Entry } from "@pxar/format/entry";
import type { Change } from "@pxar/transfer/diff";
import { jsonEntry } from "./json_entry.ts";
import { absolute, jsonPath, quote } from "./names.ts";
import { JsonArray, Lines, print, printJson } from "./output.ts";
import { countText, sizeOf, typeLetter } from "./show.ts";

/** Takes differences as they are found. */
export interface ChangeForm {
  /** Shows one; `unread` says that the other tree may well have it, but could not be read there. */
  readonly change: (change: Change, unread: boolean) => void;
  /** Writes what is left. */
  readonly end: () => void;
}

/** How many differences there are. */
export class ChangeCounts {
  /** How many are in the second tree only. */
  added = 0;
  /** How many are in the first tree only. */
  removed = 0;
  /** How many are in both. */
  changed = 0;
  /** How many could not be compared. */
  unread = 0;
  /** How often what is changed. */
  readonly fields: Map<string, number> = new Map();

  /** All differences. */
  get all(): number {
    return this.added + this.removed + this.changed;
  }

  /** Counts one. */
  add({ type, fields }: Change, unread: boolean): void {
    if (unread) {
      this.unread++;
      return;
    }
    this[type]++;
    for (const field of fields) {
      this.fields.set(field, (this.fields.get(field) ?? 0) + 1);
    }
  }

  /** All of it in a line; `isWhole` says that everything could be read. */
  sentence(isWhole: boolean): string {
    const { all, unread } = this;
    if (all === 0) {
      return isWhole
        ? "no differences"
        : "no differences in what could be compared";
    }
    const parts = (["added", "removed", "changed"] as const)
      .filter((type) => this[type] > 0)
      .map((type) => `${countText(this[type])} ${type}`);
    const text = `${countText(all)} ${
      all === 1 ? "difference" : "differences"
    }: ${parts.join(", ")}`;
    return unread === 0
      ? text
      : `${text}; ${countText(unread)} could not be read`;
  }
}

/**
 * Chooses a form.
 *
 * @param options What the command line asks for.
 * @param entries How many entries either tree has had so far.
 * @param counts Counted elsewhere.
 */
export function changeForm(
  options: {
    readonly json: boolean;
    readonly stat: boolean;
    readonly long: boolean;
  },
  entries: () => readonly [before: number, after: number],
  counts: ChangeCounts,
): ChangeForm {
  if (options.stat) return statForm(options.json, entries, counts);
  return options.json ? jsonForm() : textForm(options.long);
}

function textForm(long: boolean): ChangeForm {
  const lines = new Lines();
  const isLive = Deno.stdout.isTerminal();
  return {
    change: (change, unread) => {
      const path = absolute(quote(change.path));
      if (unread) lines.line(`? ${path} (could not be read)`);
      else if (change.type === "added") lines.line(`+ ${path}`);
      else if (change.type === "removed") lines.line(`- ${path}`);
      else lines.line(`M ${path} (${fieldsText(change, long)})`);
      if (isLive) lines.end();
    },
    end: () => lines.end(),
  };
}

function fieldsText({ fields, before, after }: Change, long: boolean): string {
  const texts = fields.map((field) => {
    if (!long && field !== "kind") return field;
    const one = valueText(field, before!), other = valueText(field, after!);
    return one === undefined || one === other
      ? field
      : `${field}: ${one}, now ${other}`;
  });
  return texts.join(long ? "; " : ", ");
}

/** What a field says, where that is short. */
function valueText(
  field: Change["fields"][number],
  entry: Entry,
): string | undefined {
  switch (field) {
    case "kind":
      return kindText(entry);
    case "content":
      return `${sizeOf(entry)} bytes`;
    case "mode":
      return entry.mode.toString(8);
    case "owner":
      return `${entry.uid}/${entry.gid}`;
    case "mtime":
      return `${jsonEntry(entry, entry.name, 0).mtime}`;
    case "flags":
      return `0x${entry.flags.toString(16)}`;
    case "project-id":
      return String(entry.attributes?.projectId ?? "none");
    case "target":
      return `"${quote(entry.target!)}"`;
    case "link":
      return absolute(quote(entry.target!));
    case "device":
      return `${entry.device!.major},${entry.device!.minor}`;
    default:
      return undefined;
  }
}

function kindText(entry: Entry): string {
  if (entry.kind !== "device") return entry.kind;
  return typeLetter(entry) === "b" ? "block" : "char";
}

function jsonForm(): ChangeForm {
  const array = new JsonArray();
  return {
    change: ({ type, path, fields, before, after }, unread) =>
      array.add({
        ...jsonPath(path),
        change: unread ? "unread" : type,
        ...type === "changed" && { fields },
        before: before && jsonSide(before),
        after: after && jsonSide(after),
      }),
    end: () => array.end(),
  };
}

/** An entry without its path, which is said already. */
function jsonSide(entry: Entry): Record<string, unknown> {
  const { path: _path, pathBytes: _pathBytes, ...rest } = jsonEntry(
    entry,
    entry.name,
    sizeOf(entry),
  );
  return rest;
}

function statForm(
  json: boolean,
  entries: () => readonly [before: number, after: number],
  counts: ChangeCounts,
): ChangeForm {
  return {
    change: () => {},
    end: () => {
      const [before, after] = entries();
      const { added, removed, changed, unread } = counts;
      if (json) {
        return printJson({
          entries: { before, after },
          added,
          removed,
          changed,
          unread,
          fields: Object.fromEntries(counts.fields),
        });
      }
      const fields = [...counts.fields].map(([field, times]) =>
        `${field} ${countText(times)}`
      );
      const rows: readonly (readonly [string, string])[] = [
        ["entries", `${countText(before)}, now ${countText(after)}`],
        ["added", countText(added)],
        ["removed", countText(removed)],
        [
          "changed",
          countText(changed) +
          (fields.length > 0 ? ` (${fields.join(", ")})` : ""),
        ],
        ...unread > 0 ? [["unread", countText(unread)] as const] : [],
      ];
      print(
        rows.map(([name, value]) => `${name.padEnd(8)} ${value}\n`).join(""),
      );
    },
  };
}
