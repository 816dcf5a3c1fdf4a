/**
 * One entry of an archive, read on its own.
 *
 * @module
 */
import { AttributeReader } from "@pxar/format/attributes";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { decodeDevice, type Device } from "@pxar/format/device";
import {
  type Entry,
  type EntryKind,
  makeEntry,
  type PayloadRef,
} from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { decodeHardlink } from "@pxar/format/hardlink";
import { type Item, ITEMS } from "@pxar/format/item";
import { decodeFilename, decodeSymlink, showName } from "@pxar/format/name";
import { decodePayloadRef } from "@pxar/format/payload_ref";
import { decodeStat, decodeStatV1, kindOfMode } from "@pxar/format/stat";
import {
  ATTRIBUTE_BYTES,
  ATTRIBUTE_ITEMS,
  AttributeCount,
} from "./attribute_limits.ts";
import { blankStat } from "./entry_builder.ts";
import { type ItemCursor, unexpected } from "./item_cursor.ts";

/** An entry and where it lies in its archive. A value: it stays valid, and is the same however it was found. */
export interface Node {
  /** The entry, without `content`; its `position` is the one here. */
  readonly entry: Entry;
  /** Where its FILENAME stands, bytes from the start of the archive; the root's: where its ENTRY stands. Names it within the archive. */
  readonly position: number;
  /** Length of a file's content or of a symlink's target, bytes; 0 for all else, also for hardlinks. */
  readonly size: number;
  /** Where a file's content starts (in the payload stream if `entry.payload` is set), or a directory's first child. */
  readonly start: number;
  /** Where it ends in the archive, a directory behind its goodbye table. */
  readonly end: number;
}

/** What may stand behind an entry's attributes, and which kinds it belongs to. */
interface Body {
  readonly kind: EntryKind;
  readonly target?: Bytes;
  readonly device?: Device;
  readonly payload?: PayloadRef;
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a child of a directory.
 *
 * @param cursor Is moved.
 * @param position Where its FILENAME stands.
 * @param bound Where it must have ended. A directory is taken to end right there.
 * @returns The node.
 * @throws {FormatError} If what stands there is no child of a directory.
 */
export async function readNode(
  cursor: ItemCursor,
  position: number,
  bound: number,
): Promise<Node> {
  let wait = cursor.move(position, bound);
  if (wait !== undefined) await wait;
  if (cursor.header.item !== ITEMS.FILENAME) {
    throw unexpected(cursor, "FILENAME");
  }
  wait = cursor.content();
  if (wait !== undefined) await wait;
  const name = decodeFilename(cursor.reader);
  wait = cursor.move(cursor.end, bound);
  if (wait !== undefined) await wait;
  if (cursor.header.item !== ITEMS.HARDLINK) {
    return await readMeta(cursor, name, position, bound);
  }
  wait = cursor.content();
  if (wait !== undefined) await wait;
  const { offset, target } = decodeHardlink(cursor.reader);
  if (offset > position) {
    throw new FormatError(
      `Cannot read HARDLINK at byte ${cursor.at}: it leads ${offset} bytes back, before the start of the archive`,
      { offset: cursor.at },
    );
  }
  const entry = makeEntry("hardlink", {
    name,
    target,
    position,
    linkPosition: position - offset,
  });
  return { entry, position, size: 0, start: cursor.end, end: cursor.end };
}

/**
 * Reads the root.
 *
 * @param cursor Stands on its ENTRY.
 * @param bound Where the archive ends.
 * @returns The node, a directory.
 * @throws {FormatError} If what stands there is no directory.
 */
export async function readRoot(
  cursor: ItemCursor,
  bound: number,
): Promise<Node> {
  const root = await readMeta(cursor, NO_BYTES, cursor.at, bound);
  if (root.entry.kind !== "directory") {
    throw new FormatError(
      `Cannot read archive: its root at byte ${root.position} is a ${root.entry.kind}, expected a directory`,
      { offset: root.position },
    );
  }
  return root;
}

/** Reads ENTRY, attributes and body. */
async function readMeta(
  cursor: ItemCursor,
  name: Bytes,
  position: number,
  bound: number,
): Promise<Node> {
  const { at } = cursor, stat = blankStat();
  const { item } = cursor.header;
  if (item !== ITEMS.ENTRY && item !== ITEMS.ENTRY_V1) {
    throw unexpected(cursor, "ENTRY");
  }
  let wait = cursor.content();
  if (wait !== undefined) await wait;
  if (item === ITEMS.ENTRY) decodeStat(cursor.reader, stat);
  else decodeStatV1(cursor.reader, stat);

  let attributes: AttributeReader | undefined;
  const count = new AttributeCount();
  let body: Body | undefined;
  while (body === undefined) {
    // A fifo or socket may end with its attributes.
    if (cursor.end === bound) {
      body = { kind: childless(stat.mode), size: 0, start: bound, end: bound };
      break;
    }
    wait = cursor.move(cursor.end, bound);
    if (wait !== undefined) await wait;
    const { item, size } = cursor.header;
    if (item === ITEMS.FILENAME || item === ITEMS.GOODBYE) {
      const kind = childless(stat.mode);
      body = {
        kind,
        size: 0,
        start: cursor.at,
        end: kind === "directory" ? bound : cursor.at,
      };
    } else if (item === ITEMS.PAYLOAD) {
      body = { kind: "file", size, start: cursor.start, end: cursor.end };
    } else if (size > LONGEST) {
      throw unexpected(cursor, "an attribute or a body");
    } else {
      wait = cursor.content();
      if (wait !== undefined) await wait;
      body = readBody(cursor, item);
      if (body !== undefined) break;
      if (!count.add(size)) {
        throw new FormatError(
          `Cannot read ${item.name} at byte ${cursor.at}: its entry has ${count.items} attributes of ${count.bytes} bytes, expected ${ATTRIBUTE_ITEMS} of ${ATTRIBUTE_BYTES} at most`,
          { offset: cursor.at },
        );
      }
      attributes ??= new AttributeReader();
      if (!attributes.take(item, cursor.reader)) {
        throw unexpected(cursor, "an attribute or a body");
      }
    }
  }
  const kind = kindOfMode(stat.mode);
  if (kind !== body.kind) {
    throw new FormatError(
      `Cannot read ${
        name.length === 0 ? "root" : `"${showName(name)}"`
      } at byte ${at}: its mode 0${stat.mode.toString(8)} is ${
        kind === undefined ? "of no type" : `that of a ${kind}`
      }, its items are those of a ${body.kind}`,
      { offset: at },
    );
  }
  const { target, device, payload, size, start, end } = body;
  const entry = makeEntry(kind, {
    ...stat,
    name,
    attributes: attributes?.finish(),
    target,
    device,
    payload,
    position,
  });
  return { entry, position, size, start, end };
}

/** Longest content of an item that belongs to an entry, PAYLOAD apart. */
const LONGEST = Math.max(ITEMS.XATTR.limit, ITEMS.FCAPS.limit);

/** What an entry without a body is. */
function childless(mode: number): EntryKind {
  const kind = kindOfMode(mode);
  return kind === "fifo" || kind === "socket" ? kind : "directory";
}

/** What the item that the cursor has read makes of an entry; `undefined` if it is no body. */
function readBody(cursor: ItemCursor, item: Item): Body | undefined {
  const { reader, end } = cursor;
  if (item === ITEMS.PAYLOAD_REF) {
    const payload = decodePayloadRef(reader);
    return {
      kind: "file",
      payload,
      size: payload.size,
      start: payload.offset + 16,
      end,
    };
  }
  if (item === ITEMS.SYMLINK) {
    const target = decodeSymlink(reader);
    return { kind: "symlink", target, size: target.length, start: end, end };
  }
  if (item === ITEMS.DEVICE) {
    return {
      kind: "device",
      device: decodeDevice(reader),
      size: 0,
      start: end,
      end,
    };
  }
  return undefined;
}
