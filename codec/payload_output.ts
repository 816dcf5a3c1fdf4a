// The payload stream of a split archive on its way out.
import { encodeHeader, HEADER_SIZE, type Item } from "@pxar/format/item";
import { type PayloadPart, type PayloadSink, Pieces } from "./sink.ts";

/** Gathers payloads into pieces; suggestions go out before the piece that they are in. */
export class PayloadOutput {
  /** Where contents are written to. */
  readonly pieces: Pieces;
  readonly #sink: PayloadSink;
  #suggested: PayloadPart[] = [];
  #injected = 0;
  #last = HEADER_SIZE;
  #reusedTo = 0;

  /** Starts with the marker at the start. */
  constructor(sink: PayloadSink, size: number) {
    this.#sink = sink;
    this.pieces = new Pieces((bytes) => this.#write({ bytes }), size);
  }

  /** Position reached, injected chunks included. */
  get position(): number {
    return this.pieces.position + this.#injected;
  }

  /** Begins a file of `size` bytes whose header comes next; says where. */
  begin(size: number): number {
    const { position } = this;
    if (position < this.#reusedTo) this.#refuseMissing();
    this.#suggested.push({ suggest: position, size });
    this.#last = position;
    return position;
  }

  /** Notes a file whose PAYLOAD lies `behind` bytes behind the position reached, in chunks that are injected later; says where. */
  reuse(behind: number, size: number): number {
    const { position } = this, offset = position + behind;
    if (
      !(Number.isSafeInteger(behind) && behind >= 0 && offset >= this.#last)
    ) {
      throw new TypeError(
        `Cannot encode reused file: its payload would be at byte ${offset}, expected ${
          Math.max(position, this.#last)
        } or more`,
      );
    }
    this.#suggested.push({ suggest: position });
    this.#last = offset;
    this.#reusedTo = Math.max(this.#reusedTo, offset + HEADER_SIZE + size);
    return offset;
  }

  /** Passes known chunks on, behind all that came before. */
  async inject(size: number, token: unknown): Promise<void> {
    if (!(Number.isSafeInteger(size) && size >= 0)) {
      throw new TypeError(
        `Cannot encode inject: it has ${size} bytes, expected 0 or more`,
      );
    }
    await this.pieces.finish();
    await this.#write({ inject: size, token });
    this.#injected += size;
  }

  /** Writes the marker at the start or at the end; there is room. */
  mark(item: Item): void {
    if (this.position < this.#reusedTo) this.#refuseMissing();
    encodeHeader(this.pieces.writer, item, 0);
  }

  /** Passes a part on, behind the suggestions so far. */
  #write(part: PayloadPart): void | Promise<void> {
    const sink = this.#sink, suggested = this.#suggested;
    if (suggested.length > 0) this.#suggested = [];
    for (let i = 0; i < suggested.length; i++) {
      const written = sink.write(suggested[i]!);
      if (written !== undefined) {
        return this.#writeLater(written, suggested, i + 1, part);
      }
    }
    return sink.write(part);
  }

  async #writeLater(
    written: Promise<void>,
    suggested: readonly PayloadPart[],
    from: number,
    part: PayloadPart,
  ): Promise<void> {
    await written;
    for (let i = from; i < suggested.length; i++) {
      await this.#sink.write(suggested[i]!);
    }
    await this.#sink.write(part);
  }

  #refuseMissing(): never {
    throw new TypeError(
      `Cannot encode archive: reused payload reaches to byte ${this.#reusedTo}, expected it to be injected by byte ${this.position}`,
    );
  }
}
