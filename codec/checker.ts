// One pass of `check()`: a flat machine that takes an archive item by item, so that nesting costs no recursion.
import { NO_BYTES } from "@pxar/format/bytes";
import { decodeDevice } from "@pxar/format/device";
import type { EntryKind } from "@pxar/format/entry";
import { decodeHardlink } from "@pxar/format/hardlink";
import { type Item, ITEMS } from "@pxar/format/item";
import { decodeFilename, decodeSymlink, showName } from "@pxar/format/name";
import { decodePayloadRef } from "@pxar/format/payload_ref";
import { hash } from "@pxar/format/siphash";
import { decodeVersion } from "@pxar/format/version";
import { belongs, EXPECTED, type State } from "./check_grammar.ts";
import type { CheckOptions, CheckResult } from "./check.ts";
import { CheckedNode } from "./checked_node.ts";
import { DamageLog } from "./damage_log.ts";
import { ExpectedRows } from "./expected_rows.ts";
import { AHEAD, LenientCursor } from "./lenient_cursor.ts";
import { NameOrder } from "./name_order.ts";
import { FilePaths, OpenDirectories } from "./open_directories.ts";
import { PayloadCheck } from "./payload_check.ts";
import type { RandomAccess } from "./random_access.ts";
import { findNext, MOST_ROWS } from "./resume.ts";
import { Turns } from "./turns.ts";

/** Checks one archive once. */
export class Checker {
  readonly #archive: RandomAccess;
  readonly #options: CheckOptions;
  readonly #log = new DamageLog();
  readonly #items: LenientCursor;
  readonly #payload: PayloadCheck;
  readonly #node: CheckedNode;
  readonly #open = new OpenDirectories();
  readonly #order = new NameOrder(this.#open, this.#log);
  readonly #rows = new ExpectedRows();
  readonly #paths = new FilePaths();
  readonly #turns: Turns;

  #complete = false;
  #version: 1 | 2 | undefined;
  #entries = 0;
  #directories = 0;
  #files = 0;
  #hardlinks = 0;

  #state: State = "start";
  #rowsLeft = MOST_ROWS;

  constructor(archive: RandomAccess, options: CheckOptions) {
    this.#archive = archive;
    this.#options = options;
    this.#items = new LenientCursor(archive, this.#log);
    this.#payload = new PayloadCheck(archive, options.payload, this.#log);
    this.#node = new CheckedNode(this.#items, this.#log);
    this.#turns = new Turns(options);
  }

  /** Reads all. */
  async run(): Promise<CheckResult> {
    this.#options.signal?.throwIfAborted();
    await this.#payload.start();
    let at = 0;
    while (this.#state !== "end") {
      if (this.#turns.item()) await this.#pause(at);
      at = await this.#item(at);
    }
    const left = this.#archive.size - at;
    if (this.#complete && left !== 0) {
      this.#log.archive(
        at,
        `Cannot read archive at byte ${at}: it goes on for ${left} bytes, expected its end`,
      );
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
    const { cursor } = this.#items;
    const wait = this.#items.move(at, this.#state);
    if (!(typeof wait === "boolean" ? wait : await wait)) {
      return await this.#resume(at);
    }
    const { item } = cursor.header;
    if (
      this.#state === "meta" &&
      (item === ITEMS.FILENAME || item === ITEMS.GOODBYE)
    ) this.#bodiless(at);
    if (this.#state === "end") return at;
    if (!belongs(item, at, this.#state, this.#version)) {
      if (!this.#items.isBroken) {
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
    const items = this.#items;
    const { at, start, end, header: { size } } = items.cursor;
    switch (item) {
      case ITEMS.FORMAT_VERSION:
        this.#version = await items.content(decodeVersion);
        // Of another version nothing is known.
        if (this.#version === undefined) this.#state = "end";
        return;
      case ITEMS.PRELUDE:
        return await this.#payload.pass(start, size);
      case ITEMS.FILENAME:
        return await this.#name();
      case ITEMS.ENTRY:
      case ITEMS.ENTRY_V1:
        return await this.#stat();
      case ITEMS.HARDLINK:
        return await this.#hardlink();
      case ITEMS.PAYLOAD:
        await this.#payload.read(at, size);
        await this.#pauseForContent(end);
        return this.#body("file", end);
      case ITEMS.PAYLOAD_REF: {
        this.#payload.meet(at);
        const ref = await items.content(decodePayloadRef);
        if (ref === undefined) this.#payload.miss();
        else {
          await this.#payload.follow(ref, at, this.#version);
          await this.#pauseForContent(at);
        }
        return this.#body("file", end, ref?.size);
      }
      case ITEMS.SYMLINK:
        await items.content(decodeSymlink);
        return this.#body("symlink", end);
      case ITEMS.DEVICE:
        await items.content(decodeDevice);
        return this.#body("device", end);
      case ITEMS.GOODBYE:
        return await this.#close();
      default:
        return await this.#node.readAttribute();
    }
  }

  async #name(): Promise<void> {
    const items = this.#items, { at, header: { size } } = items.cursor;
    await items.content(decodeFilename);
    // As the table knows it, however bad it is.
    const name = size < 1 || size > AHEAD ? NO_BYTES : await items.peek(
      size,
      (reader) => reader.copy(size - 1),
      NO_BYTES,
    );
    this.#node.start = at;
    this.#state = "node";
    this.#order.meet(name, at);
  }

  #stat(): Promise<void> {
    if (this.#state === "start") {
      this.#version ??= 1;
      this.#node.start = this.#items.cursor.at;
    }
    this.#state = "meta";
    return this.#node.readEntry();
  }

  async #hardlink(): Promise<void> {
    const { at, end } = this.#items.cursor;
    const link = await this.#items.content(decodeHardlink);
    this.#hardlinks++;
    if (link !== undefined) {
      const target = this.#node.start - link.offset;
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

  /** Ends a node whose body says what it is. */
  #body(kind: EntryKind, end: number, payload = 0): void {
    const node = this.#node;
    if (node.kind !== kind) node.mismatch(kind);
    if (this.#open.depth === 0) {
      if (node.kind === "directory") return this.#bodiless(end);
      this.#log.archive(
        node.entry,
        `Cannot read root at byte ${node.entry}: it is a ${kind}, expected a directory`,
      );
      this.#state = "end";
      this.#entries++;
      return;
    }
    if (kind === "file") {
      this.#files++;
      this.#open.hashPath();
      this.#paths.add(node.start);
    }
    this.#leave(end, payload);
  }

  /** Ends a node at the next name or table, or makes it the directory that these are in. */
  #bodiless(at: number): void {
    const node = this.#node;
    if (node.kind === "directory") {
      this.#open.open(node.start, node.entry, this.#rows.count);
      this.#directories++;
      this.#entries++;
      this.#state = "children";
      return;
    }
    if (node.kind !== "fifo" && node.kind !== "socket") {
      node.mismatch("directory, fifo or socket");
    }
    if (this.#open.depth === 0) this.#state = "end";
    else this.#leave(at, 0);
  }

  /** Counts a node that ends at `end` as a child of the innermost directory. */
  #leave(end: number, payload: number): void {
    this.#entries++;
    this.#push(this.#node.start, end, payload);
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
    const open = this.#open,
      level = open.depth - 1,
      { cursor } = this.#items,
      { end } = cursor;
    const { unsorted, incomplete } = open, isRoot = level === 0;
    const row = open.row(level),
      position = open.position(level),
      entry = open.entry(level);
    if (!this.#items.isBroken) {
      await this.#rows.compare(cursor, {
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
    if (this.#state === "meta" && this.#node.kind === "directory") {
      this.#bodiless(at);
    }
    const found = await findNext(
      this.#items.cursor,
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

  async #pauseForContent(position: number): Promise<void> {
    if (this.#turns.content(this.#payload.bytes)) await this.#pause(position);
  }

  async #pause(position: number): Promise<void> {
    await this.#turns.pause({
      position,
      entries: this.#entries,
      bytes: this.#payload.bytes,
    });
  }
}
