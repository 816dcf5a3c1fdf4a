// Contents, read through and counted: in the archive, or where references lead in the payload stream.
import type { Bytes } from "@pxar/format/bytes";
import type { PayloadRef } from "@pxar/format/entry";
import { FormatError, PxarError } from "@pxar/format/errors";
import { HEADER_SIZE, ITEMS } from "@pxar/format/item";
import type { Note } from "./damage_log.ts";
import { ItemCursor } from "./item_cursor.ts";
import type { RandomAccess } from "./random_access.ts";

/** Reads contents; knows the payload stream, if there is one. */
export class PayloadCheck {
  /** Bytes of content read. */
  bytes = 0;
  /** Files whose content was not. */
  unread = 0;
  /** References met. */
  references = 0;
  readonly #stream: RandomAccess | undefined;
  readonly #cursor: ItemCursor | undefined;
  readonly #note: Note;
  /** Where the payload met last ends; the next one must not start before. */
  #end = HEADER_SIZE;

  /** Reads nothing yet; `note` is told what is wrong in the stream. */
  constructor(stream: RandomAccess | undefined, note: Note) {
    this.#stream = stream;
    this.#cursor = stream && new ItemCursor(stream, HEADER_SIZE);
    this.#note = note;
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
      this.#note(
        at,
        `Cannot read payload stream: it ends at byte ${this.#stream.size}, expected a PAYLOAD_TAIL_MARKER behind byte ${this.#end}`,
      );
    } else {await this.#expect(
        at,
        "PAYLOAD_TAIL_MARKER",
        "and nothing behind it",
      );}
  }

  /** Counts a file whose reference cannot be read. */
  miss(): void {
    this.references++;
    this.unread++;
  }

  /** Follows a reference that stands at `at` in the archive; `note` is told what is wrong there. */
  async follow(
    ref: PayloadRef,
    at: number,
    piece: Bytes,
    note: Note,
  ): Promise<void> {
    const { offset, size } = ref,
      stream = this.#stream,
      end = offset + HEADER_SIZE + size;
    this.references++;
    const overlaps = offset < this.#end;
    if (overlaps) {
      note(
        at,
        `Cannot follow PAYLOAD_REF at byte ${at}: it leads to byte ${offset} of the payload stream, expected ${this.#end} or more`,
      );
    }
    if (stream === undefined) this.unread++;
    else if (end > stream.size) {
      note(
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
      await this.readThrough(stream, from, size, piece, this.#note);
    }
    // Only a reference that leads to a payload says where the next one must not start.
    this.#end = Math.max(this.#end, end);
  }

  /** Reads bytes for nothing but to have read them; `note` is told if they cannot be. */
  async readThrough(
    access: RandomAccess,
    from: number,
    size: number,
    piece: Bytes,
    note: Note,
  ): Promise<void> {
    try {
      for (let at = from, left = size; left > 0;) {
        const part = left < piece.length ? piece.subarray(0, left) : piece;
        const wait = access.read(at, part),
          got = typeof wait === "number" ? wait : await wait;
        this.bytes += got;
        if (got < part.length) {
          note(
            at + got,
            `Cannot read content at byte ${from}: ${
              left - got
            } of ${size} bytes are missing`,
          );
          return;
        }
        at += got;
        left -= got;
      }
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      note(from, error.message);
    }
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
      this.#note(at, error.message);
      return false;
    }
  }
}
