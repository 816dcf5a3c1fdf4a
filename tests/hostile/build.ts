// Archives put together item by item, with whatever is wrong in them: no encoder would write these.
import { type Bytes, ByteWriter } from "@pxar/format/bytes";
import { type ItemName, ITEMS } from "@pxar/format/item";

const TEXT = new TextEncoder();

/** Puts pieces into one. */
export function join(...pieces: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Little-endian 64-bit numbers, one after the other. */
export function u64(...values: readonly (number | bigint)[]): Bytes {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) =>
    view.setBigUint64(8 * i, BigInt.asUintN(64, BigInt(value)), true)
  );
  return bytes;
}

/** An item; `size` is its full size where that shall be a lie. */
export function item(
  name: ItemName,
  content: Uint8Array = new Uint8Array(0),
  size: number | bigint = content.length + 16,
): Bytes {
  return join(u64(ITEMS[name].tag, size), content);
}

/** A FILENAME. */
export function filename(name: string | Uint8Array): Bytes {
  const bytes = typeof name === "string" ? TEXT.encode(name) : name;
  return item("FILENAME", join(bytes, new Uint8Array(1)));
}

/** An ENTRY with this mode, owned by root, of 2023. */
export function entry(mode: number): Bytes {
  const bytes = new Uint8Array(40);
  const writer = new ByteWriter(bytes);
  writer.u64(mode);
  writer.u64(0);
  writer.u32(0);
  writer.u32(0);
  writer.i64(1_700_000_000);
  writer.u32(0);
  writer.u32(0);
  return item("ENTRY", bytes);
}

/** A regular file. */
export function file(name: string | Uint8Array, content = "content"): Bytes {
  return join(
    filename(name),
    entry(0o100644),
    item("PAYLOAD", TEXT.encode(content)),
  );
}

/** A symlink. */
export function symlink(name: string, target: string): Bytes {
  return join(
    filename(name),
    entry(0o120777),
    item("SYMLINK", TEXT.encode(`${target}\0`)),
  );
}

/** A hardlink whose path says `target` and whose offset says `back`. */
export function hardlink(
  name: string,
  target: string,
  back: number | bigint,
): Bytes {
  return join(
    filename(name),
    item("HARDLINK", join(u64(back), TEXT.encode(`${target}\0`))),
  );
}

/** A directory inside another one; its table is empty but for the tail, as a reader in order does not look at it. */
export function directory(name: string, ...children: readonly Bytes[]): Bytes {
  return join(
    filename(name),
    entry(0o040755),
    ...children,
    table(56 + children.reduce((sum, child) => sum + child.length, 0), 40),
  );
}

/** A GOODBYE without rows; `tail` is how far back its directory's ENTRY lies. */
export function table(
  tail: number | bigint,
  size: number | bigint = 40,
): Bytes {
  return item("GOODBYE", u64(0xef5eed5b753e1555n, tail, size));
}

/** A whole archive of version 1: the root with these children, and a table without rows. */
export function archive(...children: readonly Uint8Array[]): Bytes {
  const before = join(entry(0o040755), ...children);
  return join(before, table(before.length));
}
