// Every record of every golden archive, read, described as its .records.txt does, and written again.
import { ByteReader, type Bytes, ByteWriter } from "@pxar/format/bytes";
import {
  decodeAclDefault,
  decodeAclEntry,
  decodeAclGroupObj,
} from "@pxar/format/acl";
import { AttributeReader, encodeAttributes } from "@pxar/format/attributes";
import { decodeDevice, encodeDevice } from "@pxar/format/device";
import {
  decodeGoodbyeRow,
  goodbyeSize,
  GoodbyeStack,
  isTail,
} from "@pxar/format/goodbye";
import { decodeHardlink, encodeHardlink } from "@pxar/format/hardlink";
import {
  decodeHeader,
  encodeHeader,
  HEADER_SIZE,
  type Item,
  ITEMS,
} from "@pxar/format/item";
import { dirMetadata, fileMetadata } from "@pxar/format/metadata";
import {
  decodeFilename,
  decodeSymlink,
  encodeFilename,
  encodeSymlink,
} from "@pxar/format/name";
import { decodePayloadRef, encodePayloadRef } from "@pxar/format/payload_ref";
import { hash, siphash } from "@pxar/format/siphash";
import {
  decodeStat,
  encodeStat,
  MODE,
  type StatFields,
} from "@pxar/format/stat";
import { decodeVersion, encodeVersion } from "@pxar/format/version";
import { assert, assertEquals } from "../support/assert.ts";
import { readVector, TREES, VARIANTS } from "../support/vectors.ts";
import { hex, utf8, written } from "./record.ts";

for (const name of [...TREES, ...VARIANTS]) {
  Deno.test(`the records of ${name}.pxar are read, described and written again`, () => {
    checkRecords(readVector(`${name}.pxar`), `${name}.records.txt`);
  });
  Deno.test(`the records of ${name}.mpxar are read, described and written again`, () => {
    checkRecords(readVector(`${name}.mpxar`), `${name}.records-v2.txt`);
  });
}

Deno.test("builders and encoders make the smallest archive of the specification", () => {
  const root = dirMetadata(0o755).mtime(1_430_487_000).build();
  const file = fileMetadata(0o644).owner(1000, 1000).mtime(
    new Date(1_430_487_000_001),
  ).build();
  const archive = written((writer) => {
    const stack = new GoodbyeStack();
    encodeStat(writer, root);
    const position = writer.length;
    siphash(utf8("a"), 0, 1);
    encodeFilename(writer, utf8("a"));
    encodeStat(writer, file);
    encodeHeader(writer, ITEMS.PAYLOAD, 2);
    writer.bytes(utf8("hi"));
    stack.push(hash[0]!, hash[1]!, position, writer.length - position);
    stack.encode(writer, 0, writer.length, writer.length);
  });
  assertEquals(
    archive,
    hex(
      `efac88e5746495d53800000000000000ed4100000000000000000000000000000000000000000000d87f4355000000000000000000000000
      b31739062111701612000000000000006100efac88e5746495d53800000000000000a4810000000000000000000000000000e8030000
      e8030000d87f43550000000040420f0000000000251a7c0b1b7a1428120000000000000068691d73d542a64fec2f4000000000000000
      cf7b2c7c06e9260c5c000000000000005c0000000000000055153e755bed5eef94000000000000004000000000000000`,
    ),
  );
});

/** A directory that is open. */
interface Open {
  /** Where its ENTRY stands. */
  readonly entry: number;
  /** How many rows there were before it. */
  readonly from: number;
  /** The directory as its parent's child. */
  readonly child: Child | undefined;
}

/** A child whose end is not yet known. */
interface Child {
  readonly name: Bytes;
  readonly position: number;
  /** A split archive's writer counts the content too, though it lies elsewhere. */
  extra: number;
}

/** Decodes and encodes each record; recomputes each goodbye table from the names and places met before it. */
function checkRecords(archive: Bytes, dump: string): void {
  const lines: string[] = [];
  const names = new Map<number, Bytes>();
  const reader = new ByteReader(archive),
    header = { item: ITEMS.ENTRY, size: 0 };
  const writer = new ByteWriter(new Uint8Array(archive.length));
  const stack = new GoodbyeStack(), open: Open[] = [];
  let child: Child | undefined, end = 0;
  const closeChild = () => {
    if (child === undefined) return;
    siphash(child.name, 0, child.name.length);
    stack.push(
      hash[0]!,
      hash[1]!,
      child.position,
      end - child.position + child.extra,
    );
    child = undefined;
  };

  for (let at = 0; at < archive.length; at = end) {
    reader.window(at, archive.length, 0);
    const { item, size } = decodeHeader(reader, header);
    end = at + HEADER_SIZE + size;
    const content = () => (reader.window(at + HEADER_SIZE, end, 0), reader);
    const line = (text: string) => {
      const tag = item.tag.toString(16).padStart(16, "0");
      lines.push(
        `${String(at).padStart(9)} ${tag} ${
          String(end - at).padStart(8)
        } ${item.name} ${text}`,
      );
    };
    writer.rewind();
    switch (item.name) {
      case "FORMAT_VERSION": {
        const version = decodeVersion(content());
        encodeVersion(writer, version);
        line(`${version}`);
        break;
      }
      case "PRELUDE": {
        const prelude = content().copy(size);
        encodeHeader(writer, item, size);
        writer.bytes(prelude);
        line(repr(prelude));
        break;
      }
      case "FILENAME": {
        end = at;
        closeChild();
        end = at + HEADER_SIZE + size;
        const name = decodeFilename(content());
        names.set(at, name);
        child = { name, position: at, extra: 0 };
        encodeFilename(writer, name);
        line(repr(archive.subarray(at + HEADER_SIZE, end)));
        break;
      }
      case "ENTRY": {
        const stat: StatFields = {
          mode: 0,
          flags: 0,
          uid: 0,
          gid: 0,
          secs: 0,
          nanos: 0,
        };
        decodeStat(content(), stat);
        encodeStat(writer, stat);
        const { mode, flags, uid, gid, secs, nanos } = stat;
        const time = `${secs}.${String(nanos).padStart(9, "0")}`;
        line(
          `mode=${mode.toString(8).padStart(7, "0")} flags=0x${
            flags.toString(16)
          } uid=${uid} gid=${gid} mtime=${time}`,
        );
        if ((mode & MODE.IFMT) === MODE.IFDIR) {
          open.push({
            entry: open.length === 0 ? 0 : at,
            from: stack.count,
            child,
          });
          child = undefined;
        }
        break;
      }
      case "SYMLINK":
        encodeSymlink(writer, decodeSymlink(content()));
        line(repr(archive.subarray(at + HEADER_SIZE, end)));
        break;
      case "HARDLINK": {
        const { offset, target } = decodeHardlink(content());
        assertEquals(names.has(child!.position - offset), true);
        encodeHardlink(writer, offset, target);
        line(
          `offset=${offset} path=${
            repr(archive.subarray(at + HEADER_SIZE + 8, end))
          }`,
        );
        break;
      }
      case "DEVICE": {
        const device = decodeDevice(content());
        encodeDevice(writer, device);
        line(`${device.major} ${device.minor}`);
        break;
      }
      case "PAYLOAD":
        encodeHeader(writer, item, size);
        writer.bytes(archive.subarray(at + HEADER_SIZE, end));
        line(`${size} bytes`);
        break;
      case "PAYLOAD_REF": {
        const ref = decodePayloadRef(content());
        child!.extra = ref.size;
        encodePayloadRef(writer, ref);
        line(`offset=${ref.offset} size=${ref.size}`);
        break;
      }
      case "GOODBYE": {
        end = at;
        closeChild();
        end = at + HEADER_SIZE + size;
        const directory = open.pop()!;
        const n = stack.count - directory.from;
        assertEquals(goodbyeSize(n), end - at);
        stack.encode(writer, directory.from, at, at - directory.entry);
        stack.truncate(directory.from);
        child = directory.child;
        line(`${n + 1} rows`);
        content();
        for (let i = 0; i <= n; i++) {
          const row = decodeGoodbyeRow(reader);
          const hash = (BigInt(row.high) << 32n | BigInt(row.low)).toString(16)
            .padStart(16, "0");
          const whose = isTail(row)
            ? "tail"
            : repr(names.get(at - row.offset)!);
          lines.push(
            `${" ".repeat(9)} row ${
              String(i).padEnd(4)
            } hash=${hash} offset=${row.offset} size=${row.size} ${whose}`,
          );
        }
        reader.end();
        break;
      }
      default: {
        const attributes = new AttributeReader();
        assert(attributes.take(item, content()), item.name);
        encodeAttributes(writer, attributes.finish()!);
        line(describe(item, content()));
      }
    }
    assertSame(
      writer.written,
      archive.subarray(at, end),
      `${item.name} at ${at}`,
    );
  }

  assertEquals(open.length, 0);
  const expected = new TextDecoder().decode(readVector(dump)).trimEnd().split(
    "\npayload stream\n",
  )[0]!.split("\n");
  for (let i = 0; i < expected.length; i++) {
    assertEquals(lines[i], expected[i]!);
  }
  assertEquals(lines.length, expected.length);
}

/** An attribute's content. */
function describe(item: Item, reader: ByteReader): string {
  const show = (value: number | undefined) =>
    value === undefined ? "-" : `${value}`;
  switch (item.name) {
    case "XATTR":
    case "FCAPS": {
      const bytes = reader.bytes(reader.remaining);
      return bytes.length <= 200
        ? repr(bytes)
        : `${repr(bytes.subarray(0, 60))}... ${bytes.length} bytes`;
    }
    case "ACL_GROUP_OBJ":
      return show(decodeAclGroupObj(reader));
    case "ACL_DEFAULT": {
      const { user, group, other, mask } = decodeAclDefault(reader);
      return [user, group, other, mask].map(show).join(" ");
    }
    case "QUOTA_PROJID":
      return show(reader.u64());
    default: {
      const { id, perm } = decodeAclEntry(reader);
      return `${id} ${perm}`;
    }
  }
}

/** Bytes as Python writes them. */
function repr(bytes: Bytes): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  const short: Record<number, string> = {
    9: "\\t",
    10: "\\n",
    13: "\\r",
    0x5c: "\\\\",
  };
  const letters = Array.from(bytes, (byte) => {
    if (short[byte] !== undefined) return short[byte];
    const letter = String.fromCharCode(byte);
    if (letter === quote) return `\\${letter}`;
    return byte >= 0x20 && byte < 0x7f
      ? letter
      : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `b${quote}${letters.join("")}${quote}`;
}

/** Of large records, says just where they differ. */
function assertSame(actual: Bytes, expected: Bytes, what: string): void {
  assertEquals(actual.length, expected.length, what);
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  assertEquals(at, -1, `${what} differs at byte ${at}`);
}
