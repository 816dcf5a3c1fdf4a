// One pass of `check()`: a flat machine that takes an archive item by item, so that nesting costs no recursion.
import { AttributeReader } from "@pxar/format/attributes";
import { type ByteReader, type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { decodeDevice } from "@pxar/format/device";
import type { EntryKind, PayloadRef } from "@pxar/format/entry";
import { PxarError } from "@pxar/format/errors";
import { decodeHardlink } from "@pxar/format/hardlink";
import { type Item, ITEMS } from "@pxar/format/item";
import { decodeFilename, decodeSymlink, showName } from "@pxar/format/name";
import { decodePayloadRef } from "@pxar/format/payload_ref";
import { hash } from "@pxar/format/siphash";
import {
  decodeStat,
  decodeStatV1,
  kindOfMode,
  type StatFields,
} from "@pxar/format/stat";
import { decodeVersion } from "@pxar/format/version";
import { decodeXattr } from "@pxar/format/xattr";
import { ATTRIBUTE_BYTES, ATTRIBUTE_ITEMS } from "./attribute_limits.ts";
import { belongs, EXPECTED, type State } from "./check_grammar.ts";
import type { CheckOptions, CheckResult } from "./check.ts";
import { DamageLog } from "./damage_log.ts";
import { ExpectedRows } from "./expected_rows.ts";
import { ItemCursor } from "./item_cursor.ts";
import { FilePaths, OpenDirectories } from "./open_directories.ts";
import { PayloadCheck } from "./payload_check.ts";
import type { RandomAccess } from "./random_access.ts";
import { findNext, MOST_ROWS, passOver } from "./resume.ts";

/** How much of the archive is read at once, bytes. */
const AHEAD = 1 << 18;

/** After so many items, and after so many bytes of content, others get their turn. */
const ITEMS_A_TURN = 1 << 15, BYTES_A_TURN = 1 << 26;

/** The one name that is not in order: what `create` adds, last in the root. */
const EXCLUDES = new TextEncoder().encode(".pxarexclude-cli");

/** Checks one archive once. */
export class Checker {
  readonly #archive: RandomAccess;
  readonly #options: CheckOptions;
  readonly #cursor: ItemCursor;
  readonly #payload: PayloadCheck;
  readonly #log = new DamageLog();
  readonly #open = new OpenDirectories();
  readonly #rows = new ExpectedRows();
  readonly #paths = new FilePaths();
  readonly #stat: StatFields = {
    mode: 0,
    flags: 0,
    uid: 0,
    gid: 0,
    secs: 0,
    nanos: 0,
  };
  readonly #piece: Bytes = new Uint8Array(AHEAD);

  #complete = false;
  #version: 1 | 2 | undefined;
  #entries = 0;
  #directories = 0;
  #files = 0;
  #hardlinks = 0;

  #state: State = "start";
  /** Whether the item's header is wrong, so that its content is not looked at. */
  #broken = false;
  /** Where the present node's FILENAME and ENTRY stand. */
  #node = 0;
  #entry = 0;
  #kind: EntryKind | undefined;
  #attributes: AttributeReader | undefined;
  #attributeItems = 0;
  #attributeBytes = 0;
  /** Whether the root's last child was allowed to be out of order. */
  #excludes = false;
  /** Whether contents lie in the archive, in the payload stream, or oddly in both. */
  readonly #contents = { here: false, there: false };
  #rowsLeft = MOST_ROWS;
  #items = 0;
  #turn = 0;

  constructor(archive: RandomAccess, options: CheckOptions) {
    this.#archive = archive;
    this.#options = options;
    this.#cursor = new ItemCursor(archive, AHEAD);
    this.#payload = new PayloadCheck(options.payload, this.#log.payload);
  }

  /** Reads all. */
  async run(): Promise<CheckResult> {
    this.#options.signal?.throwIfAborted();
    await this.#payload.start();
    let at = 0;
    while (this.#state !== "end") {
      if (++this.#items % ITEMS_A_TURN === 0) await this.#pause(at);
      at = await this.#item(at);
    }
    if (this.#complete) {
      if (at !== this.#archive.size) {
        this.#log.archive(
          at,
          `Cannot read archive at byte ${at}: it goes on for ${
            this.#archive.size - at
          } bytes, expected its end`,
        );
      }
    }
    await this.#payload.end();
    return {
      damage: this.#log.damage,
      damages: this.#log.count,
      remarks: this.#log.remarks,
      complete: this.#complete,
      version: this.#version,
      entries: this.#entries,
      directories: this.#directories,
      files: this.#files,
      hardlinks: this.#hardlinks,
      bytes: this.#payload.bytes,
      unread: this.#payload.unread,
    };
  }

  /** Takes the item at `at`; gives where the next one is. */
  async #item(at: number): Promise<number> {
    const cursor = this.#cursor;
    this.#broken = false;
    try {
      const wait = cursor.move(at, this.#archive.size);
      if (wait !== undefined) await wait;
    } catch (error) {
      this.#log.catch(at, error);
      this.#broken = await passOver(
        cursor,
        at,
        this.#archive.size,
        this.#state,
      );
      if (!this.#broken) return await this.#resume(at);
    }
    const { item } = cursor.header;
    if (
      this.#state === "meta" &&
      (item === ITEMS.FILENAME || item === ITEMS.GOODBYE)
    ) this.#bodiless(at);
    if (this.#state === "end") return at;
    if (!belongs(item, at, this.#state, this.#version)) {
      if (!this.#broken) {
        this.#log.archive(
          at,
          `Cannot read archive at byte ${at}: there is ${item.name}, expected ${
            EXPECTED[this.#state]
          }`,
        );
      }
      if (this.#state !== "node") return cursor.end;
      // Of what was named nothing is known; a name or table that comes instead is not its.
      const after = item === ITEMS.FILENAME || item === ITEMS.GOODBYE
        ? at
        : cursor.end;
      this.#leave(after, 0);
      return after;
    }
    const { end } = cursor;
    await this.#take(item);
    return end;
  }

  async #take(item: Item): Promise<void> {
    const { at, start, end, header: { size } } = this.#cursor;
    switch (item) {
      case ITEMS.FORMAT_VERSION:
        this.#version = await this.#content(decodeVersion);
        // Of another version nothing is known.
        if (this.#version === undefined) this.#state = "end";
        return;
      case ITEMS.PRELUDE:
        return await this.#payload.readThrough(
          this.#archive,
          start,
          size,
          this.#piece,
          this.#log.archive,
        );
      case ITEMS.FILENAME:
        return await this.#name();
      case ITEMS.ENTRY:
      case ITEMS.ENTRY_V1:
        return await this.#stats(item);
      case ITEMS.HARDLINK:
        return await this.#hardlink();
      case ITEMS.PAYLOAD:
        this.#contents.here = true;
        this.#mixes();
        await this.#payload.readThrough(
          this.#archive,
          start,
          size,
          this.#piece,
          this.#log.archive,
        );
        await this.#pauseForContent(end);
        return this.#body("file", end);
      case ITEMS.PAYLOAD_REF: {
        this.#contents.there = true;
        this.#mixes();
        const ref = await this.#content(decodePayloadRef);
        await this.#reference(ref, at);
        return this.#body("file", end, ref?.size);
      }
      case ITEMS.SYMLINK:
        await this.#content(decodeSymlink);
        return this.#body("symlink", end);
      case ITEMS.DEVICE:
        await this.#content(decodeDevice);
        return this.#body("device", end);
      case ITEMS.GOODBYE:
        return await this.#close();
      case ITEMS.XATTR:
        // There may be many; nothing of them is kept.
        if (this.#isWithinLimits(size)) await this.#content(decodeXattr);
        return;
      default:
        if (!this.#isWithinLimits(size)) return;
        await this.#content((reader) => {
          (this.#attributes ??= new AttributeReader()).take(item, reader);
        });
    }
  }

  async #name(): Promise<void> {
    const { at, header: { size } } = this.#cursor;
    await this.#content(decodeFilename);
    // As the table knows it, however bad it is.
    const name = size < 1 || size > AHEAD ? NO_BYTES : await this.#peek(
      size,
      (reader) => reader.copy(size - 1),
      NO_BYTES,
    );
    this.#node = at;
    this.#state = "node";
    if (this.#excludes && this.#open.depth === 1) {
      this.#unsorted(at, "behind the last one");
    }
    const order = this.#open.meet(name);
    if (order === 0) {
      this.#log.archive(
        at,
        `Cannot take "${
          showName(name)
        }" at byte ${at}: the one before has that name`,
      );
    }
    if (order <= 0) return;
    if (
      this.#open.depth === 1 && name.length === EXCLUDES.length &&
      name.every((byte, i) => byte === EXCLUDES[i])
    ) {
      this.#excludes = true;
    } else this.#unsorted(at, "behind a greater one");
  }

  #unsorted(at: number, where: string): void {
    this.#excludes = false;
    this.#open.mix();
    this.#log.remark(
      at,
      `The name at byte ${at} stands ${where}; official writers put names in the order of their bytes, readers do not care`,
    );
  }

  async #stats(item: Item): Promise<void> {
    const { at } = this.#cursor;
    this.#entry = at;
    if (this.#state === "start") {
      this.#version ??= 1;
      this.#node = at;
    }
    const stat = this.#stat;
    this.#state = "meta";
    this.#attributes = undefined;
    this.#attributeItems = this.#attributeBytes = 0;
    const decode = item === ITEMS.ENTRY ? decodeStat : decodeStatV1;
    const sound = await this.#content((reader) => {
      decode(reader, stat);
      return true;
    });
    // Whatever else is wrong with it, its type is needed to go on.
    this.#kind = kindOfMode(
      sound ? stat.mode : await this.#peek(2, (reader) => reader.u16(), 0),
    );
  }

  /** Counts an attribute; says once if an entry has more than readers take. */
  #isWithinLimits(size: number): boolean {
    const excess = (): boolean =>
      this.#attributeItems > ATTRIBUTE_ITEMS ||
      this.#attributeBytes > ATTRIBUTE_BYTES;
    const before = excess();
    this.#attributeItems++;
    this.#attributeBytes += size;
    const after = excess();
    if (after && !before) {
      this.#log.archive(
        this.#entry,
        `Cannot read ENTRY at byte ${this.#entry}: it has more attributes than readers take, expected ${ATTRIBUTE_ITEMS} of ${ATTRIBUTE_BYTES} bytes at most`,
      );
    }
    return !after;
  }

  async #hardlink(): Promise<void> {
    const { at, end } = this.#cursor;
    const link = await this.#content(decodeHardlink);
    this.#hardlinks++;
    if (link !== undefined) {
      const target = this.#node - link.offset;
      const right = this.#paths.is(target, link.target);
      if (!right) {
        const why = right === undefined
          ? "where no regular file starts"
          : `where the file is not "${showName(link.target)}"`;
        this.#log.archive(
          at,
          `Cannot follow HARDLINK at byte ${at}: it leads to byte ${target}, ${why}`,
        );
      }
    }
    this.#leave(end, 0);
  }

  async #reference(ref: PayloadRef | undefined, at: number): Promise<void> {
    if (ref === undefined) return this.#payload.miss();
    if (this.#version === 1 && this.#payload.references === 0) {
      this.#log.archive(
        at,
        `Cannot read PAYLOAD_REF at byte ${at}: the archive is of version 1, expected 2`,
      );
    }
    await this.#payload.follow(
      ref,
      at,
      this.#piece,
      this.#log.archive,
    );
    await this.#pauseForContent(at);
  }

  /** Contents lie in the archive or in the payload stream; it is said once if they lie in both. */
  #mixes(): void {
    const { here, there } = this.#contents;
    if (!here || !there) return;
    const { at } = this.#cursor;
    this.#log.archive(
      at,
      `Cannot read archive at byte ${at}: some contents lie in it and some in a payload stream, expected one of both`,
    );
    // Neither is looked for again.
    this.#contents.here = this.#contents.there = false;
  }

  /** Ends a node whose body says what it is. */
  #body(kind: EntryKind, end: number, payload = 0): void {
    if (this.#kind !== kind) this.#mismatch(kind);
    if (this.#open.depth === 0) {
      if (this.#kind === "directory") return this.#bodiless(end);
      this.#log.archive(
        this.#entry,
        `Cannot read root at byte ${this.#entry}: it is a ${kind}, expected a directory`,
      );
      this.#state = "end";
      this.#entries++;
      return;
    }
    if (kind === "file") {
      this.#files++;
      this.#open.hashPath();
      this.#paths.add(this.#node);
    }
    this.#leave(end, payload);
  }

  /** Ends a node at the next name or table, or makes it the directory that these are in. */
  #bodiless(at: number): void {
    if (this.#kind === "directory") {
      this.#open.open(this.#node, this.#entry, this.#rows.count);
      this.#directories++;
      this.#entries++;
      this.#state = "children";
      return;
    }
    if (this.#kind !== "fifo" && this.#kind !== "socket") {
      this.#mismatch("directory, fifo or socket");
    }
    if (this.#open.depth === 0) this.#state = "end";
    else this.#leave(at, 0);
  }

  #mismatch(body: string): void {
    const is = this.#kind === undefined
      ? "of no type"
      : `that of a ${this.#kind}`;
    this.#log.archive(
      this.#entry,
      `Cannot read ENTRY at byte ${this.#entry}: its mode is ${is}, its items are those of a ${body}`,
    );
  }

  /** Counts a node that ends at `end` as a child of the innermost directory. */
  #leave(end: number, payload: number): void {
    this.#entries++;
    this.#push(this.#node, end, payload);
    this.#state = "children";
  }

  #push(position: number, end: number, payload: number): void {
    this.#open.hashName();
    this.#rows.push(
      hash[0]!,
      hash[1]!,
      position,
      end - position,
      payload,
      this.#open.row(this.#open.depth - 1),
    );
  }

  async #close(): Promise<void> {
    const open = this.#open, level = open.depth - 1, { end } = this.#cursor;
    const { unsorted, incomplete } = open, isRoot = level === 0;
    const row = open.row(level),
      position = open.position(level),
      entry = open.entry(level);
    if (!this.#broken) {
      await this.#rows.compare(this.#cursor, {
        entry,
        isRoot,
        row,
        unsorted,
        incomplete,
      }, this.#log.archive);
    }
    this.#rows.truncate(row);
    open.close();
    if (isRoot) {
      this.#state = "end";
      this.#complete = true;
    } else this.#push(position, end, 0);
  }

  /** Goes on where the tables of the open directories say that the next child or table stands. */
  async #resume(at: number): Promise<number> {
    const open = this.#open;
    if (this.#state === "meta" && this.#kind === "directory") {
      this.#bodiless(at);
    }
    const found = await findNext(
      this.#cursor,
      this.#archive.size,
      open,
      at,
      this.#rowsLeft,
    );
    if (found === undefined) {
      this.#state = "end";
      return at;
    }
    this.#rowsLeft -= found.rows;
    this.#log.archive(
      at,
      `Cannot check bytes ${at} to ${found.at}: they are passed over, a goodbye table leads behind them`,
    );
    if (found.level + 1 < open.depth) {
      this.#rows.truncate(open.row(found.level + 1));
    }
    open.closeTo(found.level);
    this.#state = "children";
    return found.at;
  }

  /** Reads the start of the item's content, whatever else is wrong with it. */
  async #peek<T>(
    length: number,
    read: (reader: ByteReader) => T,
    otherwise: T,
  ): Promise<T> {
    try {
      const wait = this.#cursor.load(this.#cursor.start, length);
      if (wait !== undefined) await wait;
      return read(this.#cursor.reader);
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      return otherwise;
    }
  }

  /** Decodes the content of the item; what is wrong with it is noted. */
  async #content<T>(decode: (reader: ByteReader) => T): Promise<T | undefined> {
    if (this.#broken) return undefined;
    const { start } = this.#cursor;
    try {
      const wait = this.#cursor.content();
      if (wait !== undefined) await wait;
      return decode(this.#cursor.reader);
    } catch (error) {
      this.#log.catch(start, error);
      return undefined;
    }
  }

  async #pauseForContent(position: number): Promise<void> {
    if (this.#payload.bytes - this.#turn < BYTES_A_TURN) return;
    this.#turn = this.#payload.bytes;
    await this.#pause(position);
  }

  async #pause(position: number): Promise<void> {
    const { signal, onProgress } = this.#options;
    onProgress?.({
      position,
      entries: this.#entries,
      bytes: this.#payload.bytes,
    });
    await new Promise<void>((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  }
}
