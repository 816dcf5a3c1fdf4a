/**
 * Access control lists as tar archives have them: the kernel's lists as text.
 *
 * @module
 */
import {
  ByteReader,
  type Bytes,
  ByteWriter,
  NO_BYTES,
} from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";

/** Numbers of users and groups that a list calls by name; `undefined` for one that is not known. */
export interface TarNames {
  /** A user's number. */
  readonly user: (name: string) => number | undefined;
  /** A group's number. */
  readonly group: (name: string) => number | undefined;
}

/** What the text calls what the kernel numbers. */
const TAGS: readonly (readonly [tag: number, word: string, named: boolean])[] =
  [
    [0x01, "user", false],
    [0x02, "user", true],
    [0x04, "group", false],
    [0x08, "group", true],
    [0x10, "mask", false],
    [0x20, "other", false],
  ];
const SHORT: Readonly<Record<string, string>> = {
  u: "user",
  g: "group",
  m: "mask",
  o: "other",
};
const VERSION = 2, NOBODY = 0xffff_ffff;
const ENCODER = new TextEncoder();

/**
 * A list as text: `user::rw-,user:1000:r--,group::r--,mask::r--,other::---`.
 *
 * @param list As the kernel keeps it, such as `aclToXattrs` gives.
 * @returns Its text, users and groups by number.
 */
export function encodeTarAcl(list: Bytes): Bytes {
  const reader = new ByteReader(list);
  reader.skip(4);
  const parts: string[] = [];
  while (reader.remaining > 0) {
    const tag = reader.u16(), perm = reader.u16(), id = reader.u32();
    const [, word, named] = TAGS.find(([one]) => one === tag)!;
    const letters = [...PERMISSIONS].map((letter, i) =>
      perm & (4 >> i) ? letter : "-"
    );
    parts.push(`${word}:${named ? id : ""}:${letters.join("")}`);
  }
  return ENCODER.encode(parts.join(","));
}

/**
 * Reads a list; the inverse of {@linkcode encodeTarAcl}.
 *
 * Parts may be divided by commas (star, bsdtar) or line feeds (GNU tar), and a number may stand behind the permissions (star, bsdtar).
 *
 * @param text As the archive has it.
 * @param names Finds the numbers of what has a name only.
 * @returns As the kernel keeps it, for `aclFromXattrs`; empty where it says nothing.
 * @throws {FormatError} If it is no list, or a name is not known.
 */
export function decodeTarAcl(text: Bytes, names?: TarNames): Bytes {
  const parts = new TextDecoder().decode(text).split(/[,\n]/)
    .map((part) => part.replace(/#.*/, "").trim()).filter((part) => part);
  if (parts.length === 0) return NO_BYTES;
  const bytes = new Uint8Array(4 + 8 * parts.length);
  const writer = new ByteWriter(bytes);
  writer.u32(VERSION);
  for (const part of parts) {
    const [first = "", ...rest] = part.split(":");
    const word = SHORT[first] ?? first;
    // Of what names nobody the empty field may be missing.
    if (rest.length === 1) rest.unshift("");
    const [who = "", letters = "", number] = rest;
    const kind = TAGS.find(([, one, named]) =>
      one === word && named === (who !== "")
    );
    if (kind === undefined || rest.length < 2 || !/^[rwx-]*$/.test(letters)) {
      throw refuse(part, "is no part of a list");
    }
    const [tag, , named] = kind;
    let perm = 0;
    for (const letter of letters) {
      perm |= letter === "-" ? 0 : 4 >> PERMISSIONS.indexOf(letter);
    }
    writer.u16(tag);
    writer.u16(perm);
    writer.u32(named ? idOf(part, word, who, number, names) : NOBODY);
  }
  return bytes;
}

/**
 * The permission bits that go with an access list: of owner, mask (without one, group) and others.
 *
 * @param list As the kernel keeps it, in order.
 * @returns 0 to 0o777; `undefined` where one is missing.
 */
export function aclPermissions(list: Bytes): number | undefined {
  const reader = new ByteReader(list);
  reader.skip(4);
  const found = new Map<number, number>();
  while (reader.remaining >= 8) {
    found.set(reader.u16(), reader.u16());
    reader.skip(4);
  }
  const [user, group, other] = [
    found.get(0x01),
    found.get(0x10) ?? found.get(0x04),
    found.get(0x20),
  ];
  return user === undefined || group === undefined || other === undefined
    ? undefined
    : user << 6 | group << 3 | other;
}

const PERMISSIONS = "rwx";

function idOf(
  part: string,
  word: string,
  who: string,
  number: string | undefined,
  names: TarNames | undefined,
): number {
  const digits = /^\d+$/.test(who) ? who : number ?? "";
  const id = /^\d+$/.test(digits)
    ? Number(digits)
    : word === "user"
    ? names?.user(who)
    : names?.group(who);
  if (id === undefined) throw refuse(part, `names a ${word} not known here`);
  if (id >= NOBODY) throw refuse(part, "has too large a number");
  return id;
}

function refuse(part: string, what: string): FormatError {
  const shown = showName(ENCODER.encode(part.slice(0, 80)));
  return new FormatError(
    `Cannot read ACL: "${shown}" ${what}, expected such as user:1000:rw-`,
  );
}
