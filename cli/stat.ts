/**
 * `pxar stat`: everything that an archive keeps of an entry.
 *
 * @module
 */
import type { Acl } from "@pxar/format/acl";
import { type Command, command } from "./command.ts";
import { ARCHIVE, ESCAPED, JSON_FLAG } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { flagNames, isoTime, jsonEntry } from "./json_entry.ts";
import { find, type Found } from "./look.ts";
import { quote } from "./names.ts";
import { ARCHIVE_OPTIONS, OpenArchive } from "./open_archive.ts";
import { print, printJson } from "./output.ts";
import { localTime, modeText } from "./show.ts";
import { Voice } from "./voice.ts";

/** Longest value of an extended attribute that is shown whole, bytes. */
const SHOWN = 256;

/** The command. */
export const COMMAND: Command = command({
  name: "stat",
  summary: "Show everything that an archive keeps of an entry",
  operands: [ARCHIVE, { name: "PATH", help: "any entry", many: true }],
  options: {
    json: JSON_FLAG,
    escaped: ESCAPED,
    ...ARCHIVE_OPTIONS,
  },
  notes: "With --json the result is an array with one object for each PATH.",
  examples: [
    {
      run: "pxar stat backup.pxar /etc/passwd",
      does: "owner, mode, times, attributes of a file",
    },
    {
      run: "pxar stat --json backup.pxar / /etc",
      does: "two directories, for a script",
    },
  ],
  run: async ({ options, operands: [archive, ...paths] }) => {
    const voice = new Voice(false);
    await using opened = await OpenArchive.open(archive!, options, voice);
    const accessor = await opened.accessor();
    const all: Found[] = [];
    for (const path of paths) {
      all.push(await find(accessor, path, options.escaped));
    }
    if (options.json) {
      printJson(
        all.map(({ node, path }) => jsonEntry(node.entry, path, node.size)),
      );
    } else print(all.map(describe).join("\n"));
    return EXIT.done;
  },
});

function describe({ node, path }: Found): string {
  const { entry } = node;
  const { attributes } = entry;
  const rows: [string, string][] = [["Path", `"/${quote(path)}"`], [
    "Kind",
    entry.kind,
  ]];
  if (entry.target !== undefined) {
    rows.push(["Target", `"${quote(entry.target)}"`]);
  }
  if (entry.kind !== "hardlink") {
    rows.push(
      [
        "Mode",
        `0${(entry.mode & 0o7777).toString(8).padStart(3, "0")} ${
          modeText(entry.kind, entry.mode)
        }`,
      ],
      ["Owner", `${entry.uid}/${entry.gid}`],
      [
        "Modified",
        `${isoTime(entry.secs, entry.nanos) ?? `@${entry.secs}`} (${
          localTime(entry.secs)
        } here)`,
      ],
    );
  }
  if (entry.kind === "file") rows.push(["Size", `${node.size}`]);
  if (entry.device !== undefined) {
    rows.push(["Device", `${entry.device.major},${entry.device.minor}`]);
  }
  if (entry.flags !== 0) {
    rows.push([
      "Flags",
      `0x${entry.flags.toString(16)} ${flagNames(entry.flags).join(" ")}`,
    ]);
  }
  for (const { name, value } of attributes?.xattrs ?? []) {
    const rest = value.length > SHOWN ? `… (${value.length} bytes)` : "";
    rows.push([
      "Attribute",
      `"${quote(name)}" = "${quote(value.subarray(0, SHOWN))}"${rest}`,
    ]);
  }
  if (attributes?.acl !== undefined) rows.push(...aclRows(attributes.acl));
  if (attributes?.fcaps !== undefined) {
    rows.push(["Capabilities", attributes.fcaps.toHex()]);
  }
  if (attributes?.projectId !== undefined) {
    rows.push(["Project", `${attributes.projectId}`]);
  }
  if (entry.payload !== undefined) {
    rows.push([
      "Payload",
      `at byte ${entry.payload.offset} of the payload file`,
    ]);
  }
  rows.push(["Position", `byte ${node.position}`]);
  if (entry.linkPosition !== undefined) {
    rows.push(["Link to", `byte ${entry.linkPosition}`]);
  }
  return rows.map(([what, value]) => `${`${what}:`.padEnd(14)}${value}\n`).join(
    "",
  );
}

function aclRows(acl: Acl): [string, string][] {
  const rows: [string, string][] = [];
  const add = (what: string, perm: number | undefined) => {
    if (perm !== undefined) rows.push(["ACL", `${what}:${permText(perm)}`]);
  };
  for (const { id, perm } of acl.users) add(`user:${id}`, perm);
  add("group:", acl.groupObj);
  for (const { id, perm } of acl.groups) add(`group:${id}`, perm);
  add("default:user:", acl.default?.user);
  for (const { id, perm } of acl.defaultUsers) add(`default:user:${id}`, perm);
  add("default:group:", acl.default?.group);
  for (const { id, perm } of acl.defaultGroups) {
    add(`default:group:${id}`, perm);
  }
  add("default:mask:", acl.default?.mask);
  add("default:other:", acl.default?.other);
  return rows;
}

function permText(perm: number): string {
  return perm > 7
    ? String(perm)
    : (perm & 4 ? "r" : "-") + (perm & 2 ? "w" : "-") + (perm & 1 ? "x" : "-");
}
