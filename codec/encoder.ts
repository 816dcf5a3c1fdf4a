// The archive's grammar from the other side: writes one entry after the other into pieces, and never waits itself.
import { attributesSize, encodeAttributes } from "@pxar/format/attributes";
import { encodeDevice } from "@pxar/format/device";
import type { Attributes, Content, Entry } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { goodbyeSize, GoodbyeStack } from "@pxar/format/goodbye";
import { encodeHardlink } from "@pxar/format/hardlink";
import { encodeHeader, ITEMS } from "@pxar/format/item";
import { encodeFilename, encodeSymlink, showName } from "@pxar/format/name";
import { encodePayloadRef } from "@pxar/format/payload_ref";
import { hash, siphash } from "@pxar/format/siphash";
import { encodeStat, kindOfMode } from "@pxar/format/stat";
import { encodeVersion } from "@pxar/format/version";
import {
  areFewEnough,
  ATTRIBUTE_BYTES,
  ATTRIBUTE_ITEMS,
} from "./attribute_limits.ts";
import { LinkTable } from "./link_table.ts";
import type { PayloadOutput } from "./payload_output.ts";
import type { Pieces } from "./sink.ts";

// ENTRY, PAYLOAD_REF, and the headers of FILENAME, PAYLOAD and of a body.
const FIXED_SIZE = 56 + 32 + 3 * 32;

// An open directory: where its FILENAME and its ENTRY stand, its name's hash, how many rows there were before it.
const START = 0, ENTRY = 1, LOW = 2, HIGH = 3, ROWS = 4, LEVEL = 5;

/** Writes entries: first {@linkcode room}, then {@linkcode put}, then what is left of the content, then {@linkcode close}. */
export class Encoder {
  readonly #metadata: Pieces;
  readonly #payload: PayloadOutput | undefined;
  readonly #rows = new GoodbyeStack();
  readonly #links = new LinkTable();
  #levels = new Float64Array(64 * LEVEL);
  #depth = 0;
  #ended = false;
  #prelude = false;
  #entries = 0;
  // The node being written: where its FILENAME and its ENTRY stand, its name's hash.
  #start = 0;
  #entry = 0;
  #low = 0;
  #high = 0;

  constructor(metadata: Pieces, payload: PayloadOutput | undefined) {
    this.#metadata = metadata;
    this.#payload = payload;
    if (payload !== undefined) encodeVersion(metadata.writer, 2);
  }

  /** How many nodes have been written. */
  get entries(): number {
    return this.#entries;
  }

  /** How much room an entry needs in the metadata, without the content, bytes; at least. */
  room(entry: Entry): number {
    if (entry.kind === "end") {
      if (this.#depth === 0) refuse(entry, "no directory is open");
      const from = this.#levels[(this.#depth - 1) * LEVEL + ROWS]!;
      return goodbyeSize(this.#rows.count - from);
    }
    let room = FIXED_SIZE + entry.name.length;
    if (entry.target !== undefined) room += entry.target.length;
    if (entry.attributes !== undefined) room += checkAttributes(entry);
    return room;
  }

  /**
   * Writes an entry but for its content.
   *
   * @returns The content that comes next, in the payload of a split archive, else in the metadata; {@linkcode close} follows it.
   */
  put(entry: Entry): Content | undefined {
    switch (entry.kind) {
      case "file":
        return this.#putFile(entry);
      case "end":
        this.#putEnd(entry);
        return undefined;
      case "version":
        if (this.#depth > 0 || this.#ended) {
          refuse(entry, "the root has begun, expected it to come first");
        }
        return undefined;
      case "prelude":
        return this.#putPrelude(entry);
      case "hardlink":
        this.#putHardlink(entry);
        return undefined;
      case "inject":
        refuse(entry, "it goes to the payload");
        break;
      default:
        this.#putNode(entry);
        return undefined;
    }
  }

  /** Ends the file whose content was written. */
  close(): void {
    if (this.#payload === undefined) this.#addRow(0);
  }

  /** States that the root has been closed. */
  finish(): void {
    if (this.#ended) return;
    const open = this.#depth;
    throw new TypeError(
      open === 0
        ? "Cannot encode archive: there are no entries, expected a root"
        : `Cannot encode archive: entries end while ${open} directories are open, expected an end for each`,
    );
  }

  #putFile(entry: Entry): Content | undefined {
    const { content, reused } = entry, payload = this.#payload;
    if (
      content === undefined && (reused === undefined || payload === undefined)
    ) {
      refuse(entry, "it has no content");
    }
    this.#begin(entry);
    const { writer } = this.#metadata;
    if (entry.position !== undefined) {
      this.#links.add(entry.position, this.#start);
    }
    if (content === undefined) {
      if (entry.payload === undefined) {
        refuse(
          entry,
          "it is reused and has no payload, expected its size there",
        );
      }
      const { size } = entry.payload;
      encodePayloadRef(writer, {
        offset: payload!.reuse(reused!, size),
        size,
      });
      this.#addRow(0);
      return undefined;
    }
    const size = checkSize(entry, content);
    if (payload === undefined) {
      encodeHeader(writer, ITEMS.PAYLOAD, size);
    } else {
      encodePayloadRef(writer, { offset: payload.begin(size), size });
      // As the reference has it, although the content is elsewhere.
      this.#addRow(size);
    }
    return content;
  }

  #putNode(entry: Entry): void {
    const { writer } = this.#metadata;
    this.#begin(entry);
    switch (entry.kind) {
      case "directory":
        return this.#openDirectory();
      case "symlink":
        if (entry.target === undefined) refuse(entry, "it has no target");
        encodeSymlink(writer, entry.target);
        break;
      case "device":
        if (entry.device === undefined) refuse(entry, "it has no numbers");
        encodeDevice(writer, entry.device);
        break;
    }
    this.#addRow(0);
  }

  /** Writes name, ENTRY and attributes. */
  #begin(entry: Entry): void {
    if (kindOfMode(entry.mode) !== entry.kind) {
      refuse(entry, `its mode 0o${entry.mode.toString(8)} is another kind's`);
    }
    const { writer } = this.#metadata;
    if (this.#depth > 0) {
      this.#beginChild(entry);
    } else {
      if (this.#ended) {
        refuse(entry, "the root has been closed, expected nothing after it");
      }
      if (entry.kind !== "directory") {
        refuse(entry, "no directory is open, expected the root first");
      }
      if (entry.name.length > 0) {
        refuse(entry, "it is the root and has a name, expected none");
      }
      this.#start = this.#metadata.position;
      this.#entries++;
    }
    this.#entry = this.#metadata.position;
    encodeStat(writer, entry);
    if (entry.attributes !== undefined) {
      encodeAttributes(writer, entry.attributes);
    }
  }

  #beginChild(entry: Entry): void {
    const { name } = entry;
    this.#start = this.#metadata.position;
    encodeFilename(this.#metadata.writer, name);
    siphash(name, 0, name.length);
    this.#low = hash[0]!;
    this.#high = hash[1]!;
    this.#entries++;
  }

  #openDirectory(): void {
    const at = this.#depth * LEVEL;
    if (at === this.#levels.length) {
      const levels = new Float64Array(at * 2);
      levels.set(this.#levels);
      this.#levels = levels;
    }
    const levels = this.#levels;
    levels[at + START] = this.#start;
    levels[at + ENTRY] = this.#entry;
    levels[at + LOW] = this.#low;
    levels[at + HIGH] = this.#high;
    levels[at + ROWS] = this.#rows.count;
    this.#depth++;
  }

  #putEnd(entry: Entry): void {
    if (this.#depth === 0) refuse(entry, "no directory is open");
    const levels = this.#levels, at = --this.#depth * LEVEL;
    const here = this.#metadata.position, from = levels[at + ROWS]!;
    const root = this.#depth === 0;
    // The root's tail points to the start of the archive, where a FORMAT_VERSION may stand.
    const tail = root ? here : here - levels[at + ENTRY]!;
    this.#rows.encode(this.#metadata.writer, from, here, tail);
    this.#rows.truncate(from);
    if (root) {
      this.#ended = true;
      return;
    }
    this.#start = levels[at + START]!;
    this.#low = levels[at + LOW]!;
    this.#high = levels[at + HIGH]!;
    this.#addRow(0);
  }

  #putHardlink(entry: Entry): void {
    const { target, linkPosition } = entry;
    if (this.#depth === 0) refuse(entry, "no directory is open");
    if (target === undefined) refuse(entry, "it has no target");
    const first = linkPosition === undefined
      ? undefined
      : this.#links.find(linkPosition);
    if (first === undefined) {
      refuse(entry, `its first link, "${showName(target)}", has not been seen`);
    }
    this.#beginChild(entry);
    encodeHardlink(this.#metadata.writer, this.#start - first, target);
    this.#addRow(0);
  }

  #putPrelude(entry: Entry): Content {
    const { content } = entry;
    if (this.#payload === undefined) {
      refuse(entry, "the archive is not split, expected a payload sink");
    }
    if (this.#prelude || this.#depth > 0 || this.#ended) {
      refuse(entry, "it comes late, expected one before the root");
    }
    if (content === undefined) refuse(entry, "it has no content");
    this.#prelude = true;
    const size = checkSize(entry, content);
    encodeHeader(this.#metadata.writer, ITEMS.PRELUDE, size);
    return content;
  }

  /** Adds what was written last to its directory's table. */
  #addRow(content: number): void {
    const size = this.#metadata.position - this.#start + content;
    this.#rows.push(this.#low, this.#high, this.#start, size);
  }
}

/** How many bytes the attributes take; refuses those that have no place in an archive. */
function checkAttributes(entry: Entry): number {
  const attributes = entry.attributes!;
  for (const { name, value } of attributes.xattrs) {
    const size = name.length + 1 + value.length;
    if (size > ITEMS.XATTR.limit) {
      throw new FormatError(
        `Cannot encode ${showName(entry.name)}: its attribute ${
          showName(name)
        } has ${size} bytes with its name, expected at most ${ITEMS.XATTR.limit}`,
      );
    }
  }
  const size = attributesSize(attributes), items = countItems(attributes);
  if (!areFewEnough(items, size)) {
    throw new FormatError(
      `Cannot encode ${
        showName(entry.name)
      }: its attributes are ${items} of ${size} bytes, ` +
        `expected at most ${ATTRIBUTE_ITEMS} of ${ATTRIBUTE_BYTES}`,
    );
  }
  return size;
}

function countItems({ xattrs, acl }: Attributes): number {
  if (acl === undefined) return xattrs.length + 2;
  const { users, groups, defaultUsers, defaultGroups } = acl;
  return xattrs.length + users.length + groups.length + defaultUsers.length +
    defaultGroups.length + 4;
}

function checkSize(entry: Entry, { size }: Content): number {
  if (!(Number.isSafeInteger(size) && size >= 0)) {
    refuse(entry, `its content has ${size} bytes`);
  }
  return size;
}

function refuse(entry: Entry, why: string): never {
  const name = entry.name.length > 0 ? ` "${showName(entry.name)}"` : "";
  throw new TypeError(`Cannot encode ${entry.kind}${name}: ${why}`);
}
