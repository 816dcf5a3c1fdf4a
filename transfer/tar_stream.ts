// Members as they come: in order, each directory followed by all that is in it.
import { type ByteInput, StreamReader } from "@pxar/codec/stream_reader";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import {
  type Batch,
  BytesContent,
  type Content,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { cut, StreamInput } from "./tar_input.ts";
import {
  entryOf,
  madeDirectory,
  memberContent,
  padded,
  type TarMember,
  TarReader,
  treePath,
} from "./tar_member.ts";
import { outOfOrder, TarOrder } from "./tar_order.ts";
import {
  BATCH_LENGTH,
  type DecodeTarOptions,
  expired,
  noFirst,
  pathOf,
  tell,
  tellAcl,
} from "./tar_telling.ts";

/** Contents up to this length are waited for, so that one batch can hold many of them; larger ones are streamed. Bytes. */
const WHOLE = 64 << 10;
/** Most bytes of contents that a batch of a stream holds. */
const BATCH_BYTES = 1 << 20;
const SLASH = 0x2f;

/** Entries in the archive's own order; the input is closed at the end. */
export async function* inOrder(
  input: ByteInput,
  options: DecodeTarOptions,
): AsyncGenerator<Batch, void, void> {
  const reader = new StreamReader(input);
  try {
    const stream = new Stream(reader, options);
    for (;;) {
      const batch = await stream.batch();
      if (batch === undefined) break;
      yield batch;
      options.signal?.throwIfAborted();
      await stream.leave();
    }
    // Whoever writes is not to be cut off, and what a compressed stream says of itself stands at its end.
    while (await reader.fill(1)) {
      options.signal?.throwIfAborted();
      reader.advance(reader.available);
    }
  } finally {
    await reader.close();
  }
}

class Stream {
  readonly #reader: StreamReader;
  readonly #options: DecodeTarOptions;
  readonly #members: TarReader;
  readonly #order = new TarOrder();
  #batch: Entry[] = [];
  #held = 0;
  #position = 0;
  #rooted = false;
  #ended = false;
  #streamed: StreamedContent | undefined;
  #behind = 0;

  constructor(reader: StreamReader, options: DecodeTarOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#members = new TarReader(new StreamInput(reader));
  }

  /** The next batch; `undefined` behind the last one. */
  async batch(): Promise<Batch | undefined> {
    if (this.#ended) return undefined;
    this.#batch = [];
    this.#held = 0;
    while (
      this.#batch.length < BATCH_LENGTH && this.#held < BATCH_BYTES &&
      this.#streamed === undefined
    ) {
      const member = await this.#members.next();
      if (member === undefined) {
        this.#root(undefined);
        for (let open = this.#order.depth; open >= 0; open--) this.#end();
        this.#ended = true;
        break;
      }
      await this.#take(member);
    }
    return this.#batch;
  }

  /** Passes over what was not read of the content that streamed by. */
  async leave(): Promise<void> {
    if (this.#streamed === undefined) return;
    await this.#reader.skip(this.#streamed.expire() + this.#behind);
    this.#streamed = undefined;
  }

  async #take(member: TarMember): Promise<void> {
    const { kind, stored } = member, options = this.#options;
    const behind = padded(stored) - stored;
    const path = pathOf(options, member);
    let entry: Entry | undefined;
    let place: { readonly name: Bytes; readonly position: number } | undefined;
    // What is thrown here is no damage of the archive; what is thrown by reading is.
    try {
      if (path === undefined) place = undefined;
      else if (kind === "hardlink") entry = this.#link(member, path);
      else place = this.#place(member, path);
    } catch (error) {
      tell(options, path!, error);
    }
    if (place !== undefined) {
      const content = kind === "file"
        ? await this.#content(member, behind)
        : undefined;
      entry = entryOf(member, {
        ...place,
        content,
        names: options.names,
        onAcl: (error) => tellAcl(options, path!, error),
      });
    }
    if (entry !== undefined) this.#batch.push(entry);
    if (entry?.kind !== "file") await this.#reader.skip(stored + behind);
  }

  /** Closes and opens directories as far as a member needs it; gives its name and number. */
  #place(
    member: TarMember,
    path: Bytes,
    linkPosition?: number,
  ): { readonly name: Bytes; readonly position: number } {
    if (path.length === 0) {
      if (this.#rooted) throw outOfOrder(path, "the root has passed already");
      this.#rooted = true;
      return { name: NO_BYTES, position: this.#position++ };
    }
    this.#root(member);
    // Behind the numbers of all that may have to close and open before it.
    const position = this.#position + this.#order.depth + slashes(path);
    const { close, make, name } = this.#order.place(
      path,
      member.kind === "file" ? position : linkPosition,
      member.kind === "directory",
    );
    for (let i = 0; i < close; i++) this.#end();
    for (const name of make) {
      this.#batch.push(madeDirectory(member, name, this.#position++));
    }
    this.#position = position + 1;
    return { name, position };
  }

  /** A further link, whose number is its file's for those that lead to it. */
  #link(member: TarMember, path: Bytes): Entry {
    const first = treePath(member.link);
    const linkPosition = this.#order.file(first);
    if (linkPosition === undefined) throw noFirst(path, first);
    const place = this.#place(member, path, linkPosition);
    const target = this.#firsts.get(linkPosition) ?? first;
    this.#firsts.set(linkPosition, target);
    return makeEntry("hardlink", { ...place, target, linkPosition });
  }

  /** Paths of files that have further links: a link to a link is one to its file. */
  readonly #firsts = new Map<number, Bytes>();

  async #content(member: TarMember, behind: number): Promise<Content> {
    const { stored, sparse } = member;
    if (stored <= WHOLE && sparse === undefined) {
      const bytes = new Uint8Array(stored);
      for (let at = 0; at < stored;) {
        const got = await this.#reader.read(bytes.subarray(at));
        if (got === 0) throw cut(this.#reader.offset);
        at += got;
      }
      await this.#reader.skip(behind);
      this.#held += stored;
      return new BytesContent(bytes);
    }
    this.#streamed = new StreamedContent(this.#reader, stored);
    this.#behind = behind;
    return await memberContent(member, this.#streamed);
  }

  #root(below: TarMember | undefined): void {
    if (this.#rooted) return;
    this.#rooted = true;
    this.#batch.push(madeDirectory(below, NO_BYTES, this.#position++));
  }

  #end(): void {
    this.#batch.push(makeEntry("end", { position: this.#position++ }));
  }
}

/** What is in a file, as it streams by. */
class StreamedContent implements Content {
  readonly size: number;
  readonly release: undefined = undefined;
  readonly #reader: StreamReader;
  #left: number;
  #expired = false;

  constructor(reader: StreamReader, size: number) {
    this.size = this.#left = size;
    this.#reader = reader;
  }

  read(into: Bytes): number | Promise<number> {
    if (this.#expired) throw expired();
    if (this.#left === 0 || into.length === 0) return 0;
    const got = this.#reader.read(into.subarray(0, this.#left));
    return typeof got === "number"
      ? this.#passed(got)
      : got.then((got) => this.#passed(got));
  }

  /** Lets nobody read any more; gives how many bytes are left. */
  expire(): number {
    this.#expired = true;
    return this.#left;
  }

  #passed(got: number): number {
    if (got === 0) throw cut(this.#reader.offset);
    this.#left -= got;
    return got;
  }
}

function slashes(path: Bytes): number {
  let count = 0;
  for (const byte of path) if (byte === SLASH) count++;
  return count;
}
