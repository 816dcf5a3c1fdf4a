/**
 * `pxar ls`: one directory, for people.
 *
 * @module
 */
import type { Accessor, Node } from "@pxar/codec/accessor";
import type { Bytes } from "@pxar/format/bytes";
import { joinPath, showName } from "@pxar/format/name";
import { type Command, command } from "./command.ts";
import { ARCHIVE, ESCAPED, JSON_FLAG, LONG } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { find, type Found } from "./look.ts";
import { textOf } from "./names.ts";
import { ARCHIVE_OPTIONS, OpenArchive } from "./open_archive.ts";
import { JsonArray, Lines } from "./output.ts";
import { lazy } from "./lazy.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "ls",
  summary: "List one directory of an archive",
  operands: [ARCHIVE, {
    name: "PATH",
    help: "directory or other entry (default: the root)",
    optional: true,
  }],
  options: {
    long: LONG,
    recursive: {
      kind: "flag",
      short: "R",
      help: "also what is below, directory by directory",
    },
    json: JSON_FLAG,
    escaped: ESCAPED,
    ...ARCHIVE_OPTIONS,
  },
  notes:
    `One name a line. On a terminal, what could steer it is escaped; otherwise names
are the raw bytes. A hardlink is shown with the metadata of its file, as type h.`,
  examples: [
    { run: "pxar ls backup.pxar", does: "the root of an archive" },
    {
      run: "pxar ls -lR backup.pxar /etc",
      does: "everything below one directory, long",
    },
  ],
  run: async ({ options, operands: [archive, path] }) => {
    const voice = new Voice(false);
    await using opened = await OpenArchive.open(archive!, options, voice);
    const accessor = await opened.accessor();
    const from = await find(accessor, path ?? "/", options.escaped);
    const form = options.json
      ? await jsonForm()
      : await textForm(accessor, options.long);
    try {
      await walk(accessor, from, options.recursive, form);
    } finally {
      // What stands before damage is shown, too.
      form.end();
    }
    return EXIT.done;
  },
});

async function walk(
  accessor: Accessor,
  from: Found,
  recursive: boolean,
  form: Form,
): Promise<void> {
  if (from.node.entry.kind !== "directory") {
    return await form.entry(from, from.path);
  }
  const open: Found[] = [from];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (recursive) form.directory(next.path);
    const below: Found[] = [];
    for await (const page of accessor.list(next.node)) {
      for (const node of page) {
        const found = { node, path: joinPath(next.path, node.entry.name) };
        await form.entry(found, node.entry.name);
        if (recursive && node.entry.kind === "directory") below.push(found);
      }
    }
    for (const found of below.reverse()) open.push(found);
  }
}

interface Form {
  /** Said before a directory's entries, where there are several directories. */
  readonly directory: (path: Bytes) => void;
  readonly entry: (found: Found, name: Bytes) => void | Promise<void>;
  readonly end: () => void;
}

async function textForm(accessor: Accessor, long: boolean): Promise<Form> {
  const show = long ? await lazy("./show.ts") : undefined;
  const lines = new Lines();
  const safe = Deno.stdout.isTerminal();
  const write = (before: string, name: Bytes, after: string) => {
    const text = safe ? showName(name) : textOf(name);
    if (text !== undefined) lines.line(before + text + after);
    else lines.raw(before, name, after);
  };
  let first = true;
  return {
    directory: (path) => {
      if (!first) lines.line("");
      first = false;
      write("/", path, ":");
    },
    entry: async ({ node }, name) => {
      if (show === undefined) return write("", name, "");
      const { target, kind } = node.entry;
      const shown = kind === "hardlink" ? await accessor.follow(node) : node;
      const text = show.longText(
        shown.entry,
        shown.entry.kind === "file" ? shown.size : 0,
      );
      const after = target === undefined
        ? ""
        : kind === "hardlink"
        ? ` link to /${showName(target)}`
        : ` -> ${showName(target)}`;
      write(
        `${kind === "hardlink" ? `h${text.slice(1)}` : text} `,
        name,
        after,
      );
    },
    end: () => lines.end(),
  };
}

async function jsonForm(): Promise<Form> {
  const { jsonEntry } = await lazy("./json_entry.ts");
  const array = new JsonArray();
  return {
    directory: () => {},
    entry: ({ node, path }) =>
      array.add(jsonEntry(node.entry, path, sizeOfNode(node))),
    end: () => array.end(),
  };
}

function sizeOfNode({ entry, size }: Node): number {
  return entry.kind === "file" ? size : 0;
}
