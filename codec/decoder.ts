// The archive's grammar as a machine that takes one item after the other out of a buffer, and never waits itself.
import { AttributeReader } from "@pxar/format/attributes";
import { ByteReader, type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { decodeDevice, type Device } from "@pxar/format/device";
import type {
  Attributes,
  Content,
  Entry,
  EntryKind,
  PayloadRef,
} from "@pxar/format/entry";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import { decodeHardlink } from "@pxar/format/hardlink";
import {
  decodeHeader,
  type Header,
  HEADER_SIZE,
  type Item,
  ITEMS,
} from "@pxar/format/item";
import { decodeFilename, decodeSymlink } from "@pxar/format/name";
import { decodePayloadRef } from "@pxar/format/payload_ref";
import {
  decodeStat,
  decodeStatV1,
  kindOfMode,
  type StatFields,
} from "@pxar/format/stat";
import { decodeVersion } from "@pxar/format/version";
import { ATTRIBUTE_BYTES, ATTRIBUTE_ITEMS } from "./attribute_limits.ts";
import {
  type Age,
  HeldContent,
  type PayloadInput,
  StreamedContent,
} from "./content.ts";
import type { StreamReader } from "./stream_reader.ts";

/** What comes next. */
type Place =
  | "start" // FORMAT_VERSION, or the root
  | "versioned" // PRELUDE, or the root
  | "root" // the root's ENTRY
  | "child" // FILENAME or GOODBYE
  | "node" // ENTRY or HARDLINK of the name just read
  | "body" // attributes and body of the ENTRY just read
  | "table" // the rest of a GOODBYE
  | "end"; // nothing

const EXPECTED: Readonly<Record<Place, string>> = {
  start: "FORMAT_VERSION or ENTRY",
  versioned: "PRELUDE or ENTRY",
  root: "ENTRY",
  child: "FILENAME or GOODBYE",
  node: "ENTRY or HARDLINK",
  body: "attributes or body",
  table: "GOODBYE",
  end: "nothing",
};

// Contents up to this length are waited for, so that one batch can hold many of them; larger ones are streamed.
const WHOLE = 64 << 10;

const UNBOUNDED: ReadonlySet<Item> = new Set([
  ITEMS.GOODBYE,
  ITEMS.PAYLOAD,
  ITEMS.PRELUDE,
]);

/** Takes entries out of a stream: {@linkcode next} and {@linkcode advance} by turns. */
export class Decoder {
  readonly #input: StreamReader;
  readonly #payload: PayloadInput | undefined;
  readonly #age: Age;
  readonly #most: number;
  readonly #reader: ByteReader;
  readonly #header: Header = { item: ITEMS.ENTRY, size: 0 };
  readonly #attributes = new AttributeReader();
  readonly #stat: StatFields = {
    mode: 0,
    flags: 0,
    uid: 0,
    gid: 0,
    secs: 0,
    nanos: 0,
  };
  #place: Place = "start";
  #depth = 0;
  #version = 1;

  // The entry in the making.
  #kind: EntryKind = "directory";
  #name: Bytes = NO_BYTES;
  #position = 0;
  #attributeBytes = 0;
  #attributeItems = 0;

  #batch: Entry[] = [];
  #held = false; // whether a content of the batch lies in the buffer
  #streamed: StreamedContent | undefined;
  #needed = 0; // bytes to be at hand before it can go on
  #optional = false; // whether it can go on without them
  #table = 0; // bytes of a GOODBYE to be passed over
  #failure: unknown;

  constructor(
    input: StreamReader,
    payload: PayloadInput | undefined,
    age: Age,
    most: number,
  ) {
    this.#input = input;
    this.#payload = payload;
    this.#age = age;
    this.#most = most;
    this.#reader = new ByteReader(input.memory);
  }

  /** Whether the root has been closed. */
  get done(): boolean {
    return this.#place === "end";
  }

  /** The entries that are at hand, perhaps none. */
  next(): Entry[] {
    const batch = this.#batch = [];
    try {
      this.#takeAll();
    } catch (error) {
      // What came before the damage is handed out first.
      this.#failure = error;
      if (this.#batch.length === 0) throw error;
    }
    return batch;
  }

  /** Leaves the last entries behind and gets what is needed for the next ones. */
  async advance(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#age.batch++;
    this.#held = false;
    if (this.#streamed !== undefined) {
      await this.#input.skip(this.#streamed.left);
      this.#streamed = undefined;
    }
    if (this.#place === "table") await this.#input.skip(this.#table);
    if (this.#needed > 0 && !(await this.#input.fill(this.#needed))) {
      if (!this.#optional) this.#refuseEnd();
    }
  }

  #takeAll(): void {
    const input = this.#input;
    if (this.#place === "table") this.#endDirectory();
    this.#needed = 0;
    while (this.#batch.length < this.#most && this.#place !== "end") {
      if (input.available < HEADER_SIZE) return this.#need(HEADER_SIZE);
      const { index, base } = input;
      this.#reader.window(index, index + HEADER_SIZE, base);
      const { item, size } = decodeHeader(this.#reader, this.#header);
      const whole = input.available >= HEADER_SIZE + size;
      if (this.#place === "body") {
        // Neither directories nor fifos nor sockets have a body of their own: the next item belongs to another node.
        if (item === ITEMS.FILENAME || item === ITEMS.GOODBYE) {
          this.#takeBodiless(item);
          continue;
        }
        if (item === ITEMS.PAYLOAD && this.#kind === "file") {
          if (!this.#takeContent("file", size, whole)) return;
          continue;
        }
      } else if (item === ITEMS.GOODBYE && this.#place === "child") {
        if (!this.#takeTable(size, whole)) return;
        continue;
      } else if (
        item === ITEMS.PRELUDE && this.#place === "versioned" &&
        this.#version === 2
      ) {
        if (!this.#takeContent("prelude", size, whole)) return;
        continue;
      }
      // The others are small enough for the buffer.
      if (UNBOUNDED.has(item)) this.#refuseItem(item);
      if (!whole) return this.#need(HEADER_SIZE + size);
      const content = index + HEADER_SIZE;
      this.#reader.window(content, content + size, base);
      this.#take(item, size);
      input.advance(HEADER_SIZE + size);
    }
  }

  /** Takes an item that is whole in the buffer and has no content to be handed on. */
  #take(item: Item, size: number): void {
    switch (this.#place) {
      case "start":
        if (item === ITEMS.FORMAT_VERSION) return this.#takeVersion(size);
        return this.#takeEntry(item);
      case "versioned":
      case "root":
        return this.#takeEntry(item);
      case "child":
        if (item !== ITEMS.FILENAME) this.#refuseItem(item);
        this.#position = this.#input.offset;
        this.#name = decodeFilename(this.#reader);
        this.#place = "node";
        return;
      case "node":
        if (item === ITEMS.HARDLINK) return this.#takeHardlink();
        return this.#takeEntry(item);
      default:
        return this.#takeAttribute(item);
    }
  }

  #takeVersion(size: number): void {
    const { index } = this.#input;
    this.#version = decodeVersion(this.#reader);
    this.#place = "versioned";
    this.#held = true;
    const { memory } = this.#input;
    const content = new HeldContent(
      memory,
      index + HEADER_SIZE,
      size,
      this.#age,
    );
    this.#yieldPlain("version", content, undefined, undefined, undefined);
  }

  #takeEntry(item: Item): void {
    if (item === ITEMS.ENTRY) decodeStat(this.#reader, this.#stat);
    else if (item === ITEMS.ENTRY_V1) decodeStatV1(this.#reader, this.#stat);
    else this.#refuseItem(item);
    const { mode } = this.#stat, { offset } = this.#input;
    const kind = kindOfMode(mode);
    if (kind === undefined || (this.#depth === 0 && kind !== "directory")) {
      throw new FormatError(
        `Cannot read ENTRY at byte ${offset}: its mode is 0o${
          mode.toString(8)
        }, expected the type of a ${
          this.#depth === 0 ? "directory" : "node of a file system"
        }`,
        { offset },
      );
    }
    if (this.#depth === 0) this.#position = offset;
    this.#kind = kind;
    this.#attributeBytes = this.#attributeItems = 0;
    this.#place = "body";
  }

  #takeHardlink(): void {
    const at = this.#input.offset;
    const { offset, target } = decodeHardlink(this.#reader);
    const position = this.#position;
    if (offset > position) {
      throw new FormatError(
        `Cannot read HARDLINK at byte ${at}: its offset is ${offset}, expected at most ${position}`,
        { offset: at },
      );
    }
    this.#yieldPlain(
      "hardlink",
      undefined,
      target,
      position,
      position - offset,
    );
    this.#place = "child";
  }

  #takeAttribute(item: Item): void {
    const reader = this.#reader;
    switch (item) {
      case ITEMS.PAYLOAD_REF: {
        if (this.#kind !== "file") this.#refuseItem(item);
        const ref = decodePayloadRef(reader);
        const content = this.#payload?.content(ref, this.#input.offset);
        this.#yieldNode(content, undefined, undefined, ref);
        break;
      }
      case ITEMS.SYMLINK:
        if (this.#kind !== "symlink") this.#refuseItem(item);
        this.#yieldNode(
          undefined,
          decodeSymlink(reader),
          undefined,
          undefined,
        );
        break;
      case ITEMS.DEVICE:
        if (this.#kind !== "device") this.#refuseItem(item);
        this.#yieldNode(undefined, undefined, decodeDevice(reader), undefined);
        break;
      default: {
        this.#attributeBytes += reader.remaining;
        if (!this.#attributes.take(item, reader)) this.#refuseItem(item);
        if (
          ++this.#attributeItems > ATTRIBUTE_ITEMS ||
          this.#attributeBytes > ATTRIBUTE_BYTES
        ) this.#refuseAttributes();
        return;
      }
    }
    this.#place = "child";
  }

  #takeBodiless(next: Item): void {
    const kind = this.#kind;
    if (kind !== "directory" && kind !== "fifo" && kind !== "socket") {
      this.#refuseItem(next);
    }
    this.#yieldNode(undefined, undefined, undefined, undefined);
    if (kind === "directory") this.#depth++;
    this.#place = "child";
  }

  /** Takes a header whose content is handed on; `false` where the batch has to end first. */
  #takeContent(
    kind: "file" | "prelude",
    size: number,
    whole: boolean,
  ): boolean {
    const input = this.#input;
    if (!whole && size <= WHOLE && !this.#optional) {
      this.#optional = true;
      this.#needed = HEADER_SIZE + size;
      return false;
    }
    // Reading a streamed content would run over the others.
    if (!whole && this.#held) return false;
    this.#optional = false;
    input.advance(HEADER_SIZE);
    let content: Content;
    if (whole) {
      content = new HeldContent(input.memory, input.index, size, this.#age);
      input.advance(size);
      this.#held = true;
    } else {
      content = this.#streamed = new StreamedContent(input, size, this.#age);
    }
    if (kind === "file") {
      this.#yieldNode(content, undefined, undefined, undefined);
      this.#place = "child";
    } else {
      this.#yieldPlain(kind, content, undefined, undefined, undefined);
      this.#place = "root";
    }
    return whole;
  }

  /** Takes a GOODBYE; `false` where the batch has to end first. */
  #takeTable(size: number, whole: boolean): boolean {
    const input = this.#input;
    const { offset } = input;
    if (size % 24 !== 0) {
      throw new FormatError(
        `Cannot read GOODBYE at byte ${offset}: its content has ${size} bytes, expected a multiple of 24`,
        { offset },
      );
    }
    this.#position = offset;
    this.#place = "table";
    if (whole) {
      input.advance(HEADER_SIZE + size);
      this.#endDirectory();
    } else {
      this.#table = HEADER_SIZE + size;
    }
    return whole;
  }

  #endDirectory(): void {
    this.#depth--;
    this.#yieldPlain("end", undefined, undefined, this.#position, undefined);
    this.#place = this.#depth === 0 ? "end" : "child";
  }

  #yieldNode(
    content: Content | undefined,
    target: Bytes | undefined,
    device: Device | undefined,
    payload: PayloadRef | undefined,
  ): void {
    const stat = this.#stat;
    const attributes: Attributes | undefined = this.#attributes.finish();
    this.#batch.push({
      kind: this.#kind,
      name: this.#name,
      mode: stat.mode,
      uid: stat.uid,
      gid: stat.gid,
      secs: stat.secs,
      nanos: stat.nanos,
      flags: stat.flags,
      attributes,
      content,
      target,
      device,
      payload,
      reused: undefined,
      token: undefined,
      position: this.#position,
      linkPosition: undefined,
    });
  }

  #yieldPlain(
    kind: "version" | "prelude" | "hardlink" | "end",
    content: Content | undefined,
    target: Bytes | undefined,
    position: number | undefined,
    linkPosition: number | undefined,
  ): void {
    this.#batch.push({
      kind,
      name: kind === "hardlink" ? this.#name : NO_BYTES,
      mode: 0,
      uid: 0,
      gid: 0,
      secs: 0,
      nanos: 0,
      flags: 0,
      attributes: undefined,
      content,
      target,
      device: undefined,
      payload: undefined,
      reused: undefined,
      token: undefined,
      position,
      linkPosition,
    });
  }

  #need(count: number): void {
    this.#needed = count;
  }

  #refuseItem(item: Item): never {
    const { offset } = this.#input;
    const expected = this.#place === "body"
      ? `attributes or body of a ${this.#kind}`
      : EXPECTED[this.#place];
    throw new FormatError(
      `Cannot read archive at byte ${offset}: found ${item.name}, expected ${expected}`,
      { offset },
    );
  }

  #refuseAttributes(): never {
    const { offset } = this.#input;
    throw new FormatError(
      `Cannot read entry at byte ${this.#position}: its attributes are ${this.#attributeItems} of ${this.#attributeBytes} bytes, ` +
        `expected at most ${ATTRIBUTE_ITEMS} of ${ATTRIBUTE_BYTES}`,
      { offset },
    );
  }

  #refuseEnd(): never {
    const offset = this.#input.offset + this.#input.available;
    const expected = EXPECTED[this.#place];
    throw new TruncatedError(
      `Cannot read archive: it ends at byte ${offset}, expected ${expected} at byte ${this.#input.offset}`,
      { offset },
    );
  }
}
