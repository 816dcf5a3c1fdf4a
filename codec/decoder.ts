// The archive's grammar as a machine that takes one item after the other out of a buffer, and never waits itself.
import { ByteReader } from "@pxar/format/bytes";
import { decodeDevice } from "@pxar/format/device";
import type { Content, Entry } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
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
import { decodeStat, decodeStatV1, kindOfMode } from "@pxar/format/stat";
import { decodeVersion } from "@pxar/format/version";
import { ATTRIBUTE_BYTES, ATTRIBUTE_ITEMS } from "./attribute_limits.ts";
import type { Age, PayloadInput } from "./content.ts";
import {
  type Place,
  refuseEnd,
  refuseItem,
  UNBOUNDED,
} from "./decode_grammar.ts";
import { EntryBuilder } from "./entry_builder.ts";
import { InlineContents } from "./inline_contents.ts";
import type { StreamReader } from "./stream_reader.ts";

/** Takes entries out of a stream: {@linkcode next} and {@linkcode advance} by turns. */
export class Decoder {
  readonly #input: StreamReader;
  readonly #payload: PayloadInput | undefined;
  readonly #contents: InlineContents;
  readonly #most: number;
  readonly #reader: ByteReader;
  readonly #header: Header = { item: ITEMS.ENTRY, size: 0 };
  readonly #making = new EntryBuilder();
  #place: Place = "start";
  #depth = 0;
  #version = 1;

  #batch: Entry[] = [];
  #needed = 0; // bytes to be at hand before it can go on
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
    this.#contents = new InlineContents(input, age);
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
    const passed = this.#contents.leave();
    if (passed !== undefined) await passed;
    if (this.#place === "table") await this.#input.skip(this.#table);
    if (this.#needed > 0 && !(await this.#input.fill(this.#needed))) {
      const { offset, available } = this.#input;
      if (!this.#contents.isAwaited) {
        refuseEnd(this.#place, offset, offset + available);
      }
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
        if (item === ITEMS.PAYLOAD && this.#making.kind === "file") {
          if (!this.#takeFile(size, whole)) return;
          continue;
        }
      } else if (item === ITEMS.GOODBYE && this.#place === "child") {
        if (!this.#takeTable(size, whole)) return;
        continue;
      } else if (
        item === ITEMS.PRELUDE && this.#place === "versioned" &&
        this.#version === 2
      ) {
        if (!this.#takePrelude(size, whole)) return;
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
        this.#making.position = this.#input.offset;
        this.#making.name = decodeFilename(this.#reader);
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
    const content = this.#contents.hold(index + HEADER_SIZE, size);
    this.#batch.push(this.#making.head("version", content));
  }

  #takeEntry(item: Item): void {
    const making = this.#making, { stat } = making;
    if (item === ITEMS.ENTRY) decodeStat(this.#reader, stat);
    else if (item === ITEMS.ENTRY_V1) decodeStatV1(this.#reader, stat);
    else this.#refuseItem(item);
    const { mode } = stat, { offset } = this.#input;
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
    if (this.#depth === 0) making.position = offset;
    making.kind = kind;
    making.count.restart();
    this.#place = "body";
  }

  #takeHardlink(): void {
    const at = this.#input.offset;
    const { offset, target } = decodeHardlink(this.#reader);
    const { position } = this.#making;
    if (offset > position) {
      throw new FormatError(
        `Cannot read HARDLINK at byte ${at}: its offset is ${offset}, expected at most ${position}`,
        { offset: at },
      );
    }
    this.#batch.push(this.#making.hardlink(target, position - offset));
    this.#place = "child";
  }

  #takeAttribute(item: Item): void {
    const reader = this.#reader, making = this.#making, { kind } = making;
    switch (item) {
      case ITEMS.PAYLOAD_REF: {
        if (kind !== "file") this.#refuseItem(item);
        const ref = decodePayloadRef(reader);
        const content = this.#payload?.content(ref, this.#input.offset);
        this.#batch.push(making.node(content, undefined, undefined, ref));
        break;
      }
      case ITEMS.SYMLINK: {
        if (kind !== "symlink") this.#refuseItem(item);
        const target = decodeSymlink(reader);
        this.#batch.push(making.node(undefined, target, undefined, undefined));
        break;
      }
      case ITEMS.DEVICE: {
        if (kind !== "device") this.#refuseItem(item);
        const device = decodeDevice(reader);
        this.#batch.push(making.node(undefined, undefined, device, undefined));
        break;
      }
      default: {
        const size = reader.remaining;
        if (!making.attributes.take(item, reader)) this.#refuseItem(item);
        if (!making.count.add(size)) this.#refuseAttributes();
        return;
      }
    }
    this.#place = "child";
  }

  #takeBodiless(next: Item): void {
    const making = this.#making, { kind } = making;
    if (kind !== "directory" && kind !== "fifo" && kind !== "socket") {
      this.#refuseItem(next);
    }
    this.#batch.push(making.node(undefined, undefined, undefined, undefined));
    if (kind === "directory") this.#depth++;
    this.#place = "child";
  }

  /** Takes a PAYLOAD; `false` where the batch has to end first or with it. */
  #takeFile(size: number, whole: boolean): boolean {
    const content = this.#takeContent(size, whole);
    if (content === undefined) return false;
    this.#batch.push(
      this.#making.node(content, undefined, undefined, undefined),
    );
    this.#place = "child";
    return whole;
  }

  /** Takes a PRELUDE; `false` where the batch has to end first or with it. */
  #takePrelude(size: number, whole: boolean): boolean {
    const content = this.#takeContent(size, whole);
    if (content === undefined) return false;
    this.#batch.push(this.#making.head("prelude", content));
    this.#place = "root";
    return whole;
  }

  /** Takes a header whose content is handed on; `undefined` where the batch has to end first. */
  #takeContent(size: number, whole: boolean): Content | undefined {
    if (!whole && this.#contents.awaits(size)) {
      this.#need(HEADER_SIZE + size);
      return undefined;
    }
    return this.#contents.take(size, whole);
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
    this.#making.position = offset;
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
    this.#batch.push(this.#making.end());
    this.#place = this.#depth === 0 ? "end" : "child";
  }

  #need(count: number): void {
    this.#needed = count;
  }

  #refuseItem(item: Item): never {
    refuseItem(item, this.#place, this.#making.kind, this.#input.offset);
  }

  #refuseAttributes(): never {
    const { position, count: { items, bytes } } = this.#making;
    throw new FormatError(
      `Cannot read entry at byte ${position}: its attributes are ${items} of ${bytes} bytes, ` +
        `expected at most ${ATTRIBUTE_ITEMS} of ${ATTRIBUTE_BYTES}`,
      { offset: this.#input.offset },
    );
  }
}
