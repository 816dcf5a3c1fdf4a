// Contents, read through and counted: in the archive, or where references lead in the payload stream.
import type { Bytes } from "@pxar/format/bytes";
import type { PayloadRef } from "@pxar/format/entry";
import { FormatError, PxarError } from "@pxar/format/errors";
import { HEADER_SIZE, ITEMS } from "@pxar/format/item";
import type { DamageLog, Note } from "./damage_log.ts";
import { ItemCursor } from "./item_cursor.ts";
import type { RandomAccess } from "./random_access.ts";

/** How much of a content is read at once, bytes. */
const PIECE = 1 << 18;

/** Reads contents; knows the payload stream, if there is one. */
export class PayloadCheck {
  /** Bytes of content read. */
  bytes = 0;
  /** Files whose content was not. */
  unread = 0;
  readonly #archive: RandomAccess;
  readonly #stream: RandomAccess | undefined;
  readonly #cursor: ItemCursor | undefined;
  readonly #log: DamageLog;
  readonly #piece: Bytes = new Uint8Array(PIECE);
  #references = 0;
  /** Whether contents lie in the archive, in the payload stream, or oddly in both. */
  #here = false;
  #there = false;
  /** Where the payload met last ends; the next one must not start before. */
  #end = HEADER_SIZE;

  /** Reads nothing yet; what is wrong in `archive` or `stream` goes to `log`. */
  constructor(
    archive: RandomAccess,
    stream: RandomAccess | undefined,
    log: DamageLog,
  ) {
    this.#archive = archive;
    this.#stream = stream;
    this.#cursor = stream && new ItemCursor(stream, HEADER_SIZE);
    this.#log = log;
  }

  /** Checks the marker at the start. */
  async start(): Promise<void> {
    await this.#expect(0, "PAYLOAD_START_MARKER", "as the first item");
  }

  /** Checks the marker at the end. */
  async end(): Promise<void> {
    if (this.#stream === undefined) return;
    const at = Math.max(0, this.#stream.size - HEADER_SIZE);
    if (at < this.#end) {
      this.#log.payload(
        at,
        `Cannot read payload stream: it ends at byte ${this.#stream.size}, expected a PAYLOAD_TAIL_MARKER behind byte ${this.#end}`,
      );
    } else {
      await this.#expect(at, "PAYLOAD_TAIL_MARKER", "and nothing behind it");
    }
  }

  /** Reads bytes of the archive that are nobody's content. */
  pass(from: number, size: number): Promise<void> {
    return this.#readThrough(this.#archive, from, size, this.#log.archive);
  }

  /** Reads the content of a PAYLOAD that stands at `at` in the archive. */
  read(at: number, size: number): Promise<void> {
    this.#here = true;
    this.#mixes(at);
    return this.pass(at + HEADER_SIZE, size);
  }

  /** Meets a reference that stands at `at` in the archive. */
  meet(at: number): void {
    this.#there = true;
    this.#mixes(at);
  }

  /** Counts a file whose reference cannot be read. */
  miss(): void {
    this.#references++;
    this.unread++;
  }

  /** Follows a reference that stands at `at` in an archive of that version. */
  async follow(
    ref: PayloadRef,
    at: number,
    version: 1 | 2 | undefined,
  ): Promise<void> {
    if (version === 1 && this.#references === 0) {
      this.#log.archive(
        at,
        `Cannot read PAYLOAD_REF at byte ${at}: the archive is of version 1, expected 2`,
      );
    }
    const { offset, size } = ref,
      stream = this.#stream,
      end = offset + HEADER_SIZE + size;
    this.#references++;
    const overlaps = offset < this.#end;
    if (overlaps) {
      this.#log.archive(
        at,
        `Cannot follow PAYLOAD_REF at byte ${at}: it leads to byte ${offset} of the payload stream, expected ${this.#end} or more`,
      );
    }
    if (stream === undefined) this.unread++;
    else if (end > stream.size) {
      this.#log.archive(
        at,
        `Cannot follow PAYLOAD_REF at byte ${at}: it leads to bytes ${offset} to ${end} of a payload stream of ${stream.size}`,
      );
      this.unread++;
      return;
    } else if (
      !await this.#expect(offset, "PAYLOAD", `of ${size} bytes`, size)
    ) {
      this.unread++;
      return;
    } else if (overlaps) {
      // A thousand references to one payload are not worth reading it a thousand times.
      this.unread++;
    } else {
      const from = offset + HEADER_SIZE;
      await this.#readThrough(stream, from, size, this.#log.payload);
    }
    // Only a reference that leads to a payload says where the next one must not start.
    this.#end = Math.max(this.#end, end);
  }

  /** Reads bytes for nothing but to have read them; `note` is told of the first one that cannot be. */
  async #readThrough(
    access: RandomAccess,
    from: number,
    size: number,
    note: Note,
  ): Promise<void> {
    const piece = this.#piece;
    // Where a read ended that failed: those before it are halved until one byte is left that cannot be read.
    let failed = 0;
    for (let at = from, left = size; left > 0;) {
      const length = at < failed
        ? Math.max(1, (failed - at) >> 1)
        : Math.min(left, piece.length);
      let got: number;
      try {
        const wait = access.read(at, piece.subarray(0, length));
        got = typeof wait === "number" ? wait : await wait;
      } catch (error) {
        if (!(error instanceof PxarError)) throw error;
        if (length === 1) return note(at, error.message);
        failed = at + length;
        continue;
      }
      this.bytes += got;
      at += got;
      left -= got;
      if (got < length) {
        return note(
          at,
          `Cannot read content at byte ${from}: ${left} of ${size} bytes are missing`,
        );
      }
    }
  }

  /** Contents lie in the archive or in the payload stream; it is said once if they lie in both. */
  #mixes(at: number): void {
    if (!this.#here || !this.#there) return;
    this.#log.archive(
      at,
      `Cannot read archive at byte ${at}: some contents lie in it and some in a payload stream, expected one of both`,
    );
    // Neither is looked for again.
    this.#here = this.#there = false;
  }

  /** Whether that item stands there; if not, it is noted. */
  async #expect(
    at: number,
    name: keyof typeof ITEMS,
    which: string,
    size = 0,
  ): Promise<boolean> {
    const cursor = this.#cursor;
    if (cursor === undefined || this.#stream === undefined) return true;
    try {
      const wait = cursor.move(at, this.#stream.size);
      if (wait !== undefined) await wait;
      const { item, size: there } = cursor.header;
      if (item === ITEMS[name] && there === size) return true;
      throw new FormatError(
        `Cannot read payload stream at byte ${at}: there is ${item.name} of ${there} bytes, expected ${name} ${which}`,
      );
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      this.#log.payload(at, error.message);
      return false;
    }
  }
}
