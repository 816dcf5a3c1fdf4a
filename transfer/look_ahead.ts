// Decides on unchanged files a stretch at a time: whether the chunks that hold them are worth putting in.
import {
  type Batch,
  type Content,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { HEADER_SIZE } from "@pxar/format/item";
import { metadataIdentical } from "@pxar/format/metadata";
import type { KnownChunk } from "@pxar/store/payload_writer";
import type { PreviousArchive, ReuseCount } from "./reuse.ts";

/** The greatest part of a range of chunks that may be of no use. Source: spec I.3. */
const THRESHOLD = 0.1;
/** Most chunks that are put in at once. */
const MOST_CHUNKS = 128;

/** An entry that waits. */
interface Waiting {
  readonly entry: Entry;
  /** Where its payload lies in the last time's payload stream; `undefined` where it is not to be reused. */
  readonly offset: number | undefined;
}

/** A chunk of the last time. */
interface Candidate extends KnownChunk {
  /** Where it begins in the last time's payload stream. */
  readonly start: number;
  /** How much of it is of use, bytes. */
  readonly used: number;
}

/** Some of what waits, and the chunks that hold it. */
interface Part {
  /** Index of its first entry. */
  readonly from: number;
  /** Index behind its last one. */
  readonly to: number;
  /** Where it begins in the last time's payload stream. */
  readonly start: number;
  /** Where it ends there. */
  readonly end: number;
  readonly chunks: readonly Candidate[];
}

const NO_PART: Part = { from: 0, to: 0, start: 0, end: 0, chunks: [] };

/** What is left out of a range in turn, until it is worth it: what touches its first chunk, and what touches its last one. */
const TRIES = [[false, false], [false, true], [true, false], [
  true,
  true,
]] as const;

/** Holds entries back until it is known what becomes of them. */
export class LookAhead {
  readonly #previous: PreviousArchive;
  readonly #most: number;
  readonly #count: ReuseCount;
  #out: Entry[] = [];
  /** Contents of what is given out, held until it has been read. */
  readonly #given: Content[] = [];
  #waiting: Waiting[] = [];
  /** How many of them may be open: all but ends. */
  #open = 0;
  /** Whether a content waits that is valid for this batch only. */
  #isPassing = false;
  /** The range in the last time's payload stream. */
  #start = 0;
  #end = 0;
  /** The last chunk of the range before, not yet put in: what follows may lie in it, too. */
  #last: Candidate | undefined;

  constructor(previous: PreviousArchive, most: number, count: ReuseCount) {
    this.#previous = previous;
    this.#most = most;
    this.#count = count;
  }

  /** Gives an entry out that nothing is to be done with. */
  pass(entry: Entry): void {
    this.#out.push(entry);
  }

  /** Takes the next entry, with what it was the last time. */
  add(entry: Entry, old: Entry | undefined): void | Promise<void> {
    if (this.#open >= this.#most) {
      return this.#makeRoom().then(() => this.#add(entry, old));
    }
    return this.#add(entry, old);
  }

  /** States that another batch is going to be asked for. */
  endBatch(): void | Promise<void> {
    if (this.#isPassing) return this.#flush(true);
  }

  /** Ends it. */
  finish(): Promise<void> {
    return this.#flush(false);
  }

  /** What is to be given out; what was held for it is let go of behind it. */
  *take(): Generator<Batch, void, void> {
    const out = this.#out;
    if (out.length === 0) return;
    this.#out = [];
    try {
      yield out;
    } finally {
      for (const content of this.#given.splice(0)) content.release?.();
    }
  }

  #add(entry: Entry, old: Entry | undefined): void | Promise<void> {
    if (entry.kind !== "file") {
      if (this.#waiting.length > 0) this.#wait(entry, undefined);
      else this.#out.push(entry);
      return;
    }
    const offset = this.#reusable(entry, old);
    if (offset === undefined) {
      if (this.#waiting.length === 0 && this.#last === undefined) {
        return this.#give(entry);
      }
      return this.#flush(false).then(() => this.#give(entry));
    }
    const end = offset + HEADER_SIZE + entry.content!.size;
    if (this.#end === 0) this.#start = this.#end = offset;
    if (this.#end === offset) {
      this.#end = end;
      this.#wait(entry, offset);
      return;
    }
    return this.#flush(true).then(() => {
      this.#start = offset;
      this.#end = end;
      this.#wait(entry, offset);
    });
  }

  /** Where the payload lies that may stand for a file's content; `undefined` where none may. Source: spec I.2. */
  #reusable(entry: Entry, old: Entry | undefined): number | undefined {
    const { content } = entry;
    if (
      content === undefined || old?.payload === undefined ||
      old.kind !== "file"
    ) return undefined;
    const { offset, size } = old.payload;
    const isSame = size === content.size && offset >= HEADER_SIZE &&
      offset + HEADER_SIZE + size <= this.#previous.payload.size &&
      metadataIdentical(old, entry);
    return isSame ? offset : undefined;
  }

  #wait(entry: Entry, offset: number | undefined): void {
    this.#waiting.push({ entry, offset });
    if (entry.kind !== "end") this.#open++;
    const { content } = entry;
    if (content !== undefined && content.release === undefined) {
      this.#isPassing = true;
    }
  }

  #give(entry: Entry): void {
    this.#out.push(entry);
    const { content } = entry;
    if (content?.release !== undefined) this.#given.push(content);
  }

  /** Makes room: gives out what lies before the last chunk of the range, or else all. */
  async #makeRoom(): Promise<void> {
    const chunks = await this.#lookUp();
    if (chunks !== undefined) {
      const before = this.#last, part = this.#part(chunks, false, true);
      if (part.to >= this.#most / 8 && this.#isWorth(part, before)) {
        this.#last = undefined;
        this.#put(part, before, true);
        const left = this.#waiting.slice(part.to);
        this.#clear(part.end);
        for (const { entry, offset } of left) this.#wait(entry, offset);
        return;
      }
    }
    await this.#flush(true, chunks);
  }

  /** Decides on the range, and gives out what waits. Source: spec I.3. */
  async #flush(keepLast: boolean, known?: readonly Candidate[]): Promise<void> {
    const before = this.#last, all = this.#waiting.length;
    this.#last = undefined;
    const chunks = this.#start === this.#end
      ? undefined
      : known ?? await this.#lookUp();
    const part = chunks === undefined
      ? undefined
      : TRIES.map(([head, tail]) => this.#part(chunks, head, tail)).find((
        one,
      ) => this.#isWorth(one, one.from === 0 ? before : undefined));
    if (part === undefined) {
      if (before !== undefined) this.#inject([before]);
      this.#read(0, all);
    } else {
      if (part.from > 0) {
        if (before !== undefined) this.#inject([before]);
        this.#read(0, part.from);
      }
      const isLast = part.to === all;
      this.#put(part, part.from === 0 ? before : undefined, keepLast && isLast);
      this.#read(part.to, all);
    }
    this.#clear(this.#end);
  }

  /** The range, or what is left of it without the files that touch its first or last chunk. */
  #part(chunks: readonly Candidate[], head: boolean, tail: boolean): Part {
    const waiting = this.#waiting, first = chunks[0]!, last = chunks.at(-1)!;
    let from = 0, to = waiting.length, start = this.#start, end = this.#end;
    if (head) {
      const least = first.start + first.size;
      from = waiting.findIndex(({ offset }) =>
        offset !== undefined && offset >= least
      );
      if (from < 0) return NO_PART;
      start = waiting[from]!.offset!;
    }
    if (tail) {
      to = waiting.findIndex(({ entry, offset }) =>
        offset !== undefined &&
        offset + HEADER_SIZE + entry.content!.size > last.start
      );
      if (to <= from) return NO_PART;
      end = waiting[to]!.offset!;
    }
    const held = chunks.filter((one) =>
      one.start + one.size > start && one.start < end
    );
    return { from, to, start, end, chunks: held };
  }

  /** Whether chunks are put in for a part of the range: at most a tenth of them is of no use then. */
  #isWorth(part: Part, before: Candidate | undefined): boolean {
    const first = part.chunks[0], last = part.chunks.at(-1);
    if (first === undefined || last === undefined) return false;
    const padding = part.start - first.start +
      last.start + last.size - part.end;
    const shared = before?.start === first.start ? before.used : 0;
    return (padding - shared) / (part.end - part.start + padding) <= THRESHOLD;
  }

  /** Gives out a part of what waits as reused, and puts its chunks in. */
  #put(part: Part, before: Candidate | undefined, keepLast: boolean): void {
    const chunks = part.chunks.map((one) => ({
      ...one,
      used: Math.min(part.end, one.start + one.size) -
        Math.max(part.start, one.start),
    }));
    const first = chunks[0]!;
    if (before?.start === first.start) first.used += before.used;
    else if (before !== undefined) this.#inject([before]);
    for (const { entry, offset } of this.#waiting.slice(part.from, part.to)) {
      if (offset === undefined) this.#give(entry);
      else this.#giveReused(entry, offset - first.start);
    }
    if (keepLast) this.#last = chunks.pop();
    this.#inject(chunks);
  }

  /** Gives out some of what waits as it is. */
  #read(from: number, to: number): void {
    for (const { entry, offset } of this.#waiting.slice(from, to)) {
      this.#give(entry);
      if (offset === undefined) continue;
      this.#count.rereadFiles++;
      this.#count.rereadBytes += entry.content!.size;
    }
  }

  #clear(start: number): void {
    this.#waiting = [];
    this.#open = 0;
    this.#isPassing = false;
    // What comes next may go on where this ended.
    this.#start = start;
  }

  #giveReused(entry: Entry, reused: number): void {
    const content = entry.content!, { size } = content;
    content.release?.();
    this.#out.push({
      ...entry,
      content: undefined,
      payload: { offset: 0, size },
      reused,
    });
    this.#count.files++;
    this.#count.bytes += size;
  }

  #inject(chunks: readonly Candidate[]): void {
    for (let i = 0; i < chunks.length; i += MOST_CHUNKS) {
      const token: readonly KnownChunk[] = chunks.slice(i, i + MOST_CHUNKS);
      const size = token.reduce((sum, chunk) => sum + chunk.size, 0);
      this.#out.push(
        makeEntry("inject", { payload: { offset: 0, size }, token }),
      );
      this.#count.chunks += token.length;
      this.#count.chunkBytes += size;
    }
  }

  /** The chunks that hold the range; `undefined` where the store does not have all of them. */
  async #lookUp(): Promise<Candidate[] | undefined> {
    const { payload } = this.#previous;
    const number = await payload.find(this.#start);
    if (number === undefined) return undefined;
    const chunks: Candidate[] = [];
    for await (const batch of payload.chunks(number)) {
      for (const ref of batch) {
        if (!await this.#previous.has(ref)) return undefined;
        const { start, end, digest } = ref;
        chunks.push({ start, size: end - start, digest, used: 0 });
        if (end >= this.#end) return chunks;
      }
    }
    return undefined;
  }
}
