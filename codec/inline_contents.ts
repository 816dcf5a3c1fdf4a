// Contents that lie in the archive itself: small ones are handed out whole in the buffer, many in a batch; of large ones one, as it streams by.
import type { Content } from "@pxar/format/entry";
import { HEADER_SIZE } from "@pxar/format/item";
import { type Age, HeldContent, StreamedContent } from "./content.ts";
import type { StreamReader } from "./stream_reader.ts";

// Contents up to this length are waited for, so that one batch can hold many of them; larger ones are streamed.
const WHOLE = 64 << 10;

/** Hands out the contents of one stream, of one batch after the other. */
export class InlineContents {
  readonly #input: StreamReader;
  readonly #age: Age;
  #held = false; // whether a content of the batch lies in the buffer
  #streamed: StreamedContent | undefined;
  #awaited = false;

  constructor(input: StreamReader, age: Age) {
    this.#input = input;
    this.#age = age;
  }

  /** Whether more has been asked for, and it can go on without. */
  get isAwaited(): boolean {
    return this.#awaited;
  }

  /** Whether a content that is not whole in the buffer shall be, before it is taken; asked for once. */
  awaits(size: number): boolean {
    if (size > WHOLE || this.#awaited) return false;
    this.#awaited = true;
    return true;
  }

  /** Gives `size` bytes of the buffer, which stay where they are. */
  hold(index: number, size: number): Content {
    this.#held = true;
    return new HeldContent(this.#input.memory, index, size, this.#age);
  }

  /**
   * Takes the header that the stream stands on, and gives its content.
   *
   * @param whole Whether it is all in the buffer.
   * @returns `undefined` where the batch has to end first: streaming it would run over those that are held.
   */
  take(size: number, whole: boolean): Content | undefined {
    const input = this.#input;
    if (!whole && this.#held) return undefined;
    this.#awaited = false;
    input.advance(HEADER_SIZE);
    if (!whole) {
      return this.#streamed = new StreamedContent(input, size, this.#age);
    }
    const content = this.hold(input.index, size);
    input.advance(size);
    return content;
  }

  /** Leaves the batch behind, and what of it was not read. */
  leave(): void | Promise<void> {
    this.#age.batch++;
    this.#held = false;
    const streamed = this.#streamed;
    this.#streamed = undefined;
    if (streamed !== undefined) return this.#input.skip(streamed.left);
  }
}
