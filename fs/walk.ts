/**
 * Going through a tree, whatever the system calls: batches, directories entered and left, patterns, links, what is open.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import {
  type Batch,
  BytesContent,
  type Content,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { PxarError, type SystemError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { encodePatterns, encodePrelude } from "@pxar/format/pattern";
import { LinkTable } from "./links.ts";
import {
  EXCLUDE_CLI_FILE,
  EXCLUDE_FILE,
  type Level,
  pathOf,
  Place,
} from "./place.ts";
import type { ReadSettings } from "./read_options.ts";

/** Longest path that a HARDLINK item can hold, bytes. */
const LINK_PATH_LIMIT = 4096;
const END: Entry = makeEntry("end");
/** What may be met at a single entry, and is no reason to give up. */
const GONE = new Set(["ENOENT", "EACCES", "EPERM", "ESTALE"]);

/** A file that is open for reading. */
export interface OpenContent extends Content {
  /** Closes it; reading is an error from then on. */
  close(): void;
}

/**
 * A walk through a tree: {@linkcode next} gives its batches. No generator and no recursion, so that depth costs nothing.
 *
 * Each batch is made, its files opened, before the one before it is handed on: what is advised is on its way when it is read.
 */
export abstract class Walk<L extends Level> {
  /** What was asked for. */
  protected readonly settings: ReadSettings;
  /** Where the walk is. */
  protected readonly place: Place;
  /** The directories from the root to the current one. */
  protected readonly levels: L[] = [];
  readonly #links = new LinkTable();
  readonly #held = new Set<OpenContent>();
  #started = false;
  #entriesOnPath = 0;
  #batch: Entry[] = [];
  #files: OpenContent[] = [];
  #given: OpenContent[] = [];

  /** Nothing is opened yet. */
  constructor(settings: ReadSettings) {
    this.settings = settings;
    this.place = new Place(settings.patterns, settings.without);
  }

  /** Opens the root, puts its entry and {@linkcode enter}s it. */
  protected abstract begin(): void;
  /** Puts the entry of a level with this index, and enters it if it is a directory. */
  protected abstract visit(level: L, index: number): void;
  /** Closes a level whose entries have all been visited. */
  protected abstract leave(level: L): void;
  /** Closes all that the walk has open. */
  protected abstract abandon(): void;
  /** User and group that the process acts as. */
  protected abstract owner(): readonly [uid: number, gid: number];

  /**
   * The next entries.
   *
   * @returns A batch, `undefined` at the end. Files of the batch before it are closed, or are held.
   * @throws {RangeError} If as many files as may be are held.
   */
  next(): Batch | undefined {
    const { hold } = this.settings;
    for (const file of this.#given) file.close();
    this.#given = [];
    if (hold !== undefined && this.#held.size >= hold) {
      throw new RangeError(
        `Cannot read on: ${this.#held.size} files are held, expected one to be released before`,
      );
    }
    if (!this.#started) this.#fill();
    let batch = this.#batch;
    if (batch.length === 0) return undefined;
    const files = this.#files,
      room = hold === undefined ? files.length : hold - this.#held.size;
    if (files.length > room) {
      const end = batch.findIndex((entry) => entry.content === files[room]);
      this.#batch = batch.slice(end);
      this.#files = files.slice(room);
      batch = batch.slice(0, end);
      files.length = room;
    } else {
      this.#fill();
    }
    if (hold === undefined) this.#given = files;
    else for (const file of files) this.#held.add(file);
    return batch;
  }

  /**
   * Ends the walk.
   *
   * @param finished Whether it has come to its end: what is held then stays open.
   */
  close(finished: boolean): void {
    for (const file of this.#given) file.close();
    for (const file of this.#files) file.close();
    this.#given = this.#files = [];
    if (!finished) {
      for (const file of this.#held) file.close();
      this.#held.clear();
    }
    this.abandon();
  }

  /** What a file is given as its `release`. */
  protected releaser(file: OpenContent): (() => void) | undefined {
    if (this.settings.hold === undefined) return undefined;
    return () => {
      this.#held.delete(file);
      file.close();
    };
  }

  /** Puts an entry into the batch that is being made. */
  protected put(entry: Entry): void {
    this.settings.report.entries++;
    this.#batch.push(entry);
  }

  /** Puts a file's entry, whose content is open. */
  protected putFile(entry: Entry, file: OpenContent): void {
    this.put(entry);
    this.#files.push(file);
  }

  /** Puts the end of a directory whose entry has been put and that is not entered; reports why. */
  protected putClosed(level: L, name: Bytes, why: string): void {
    this.#batch.push(END);
    this.warn(level, name, "Cannot enter directory", why);
  }

  /** Puts the entry of a later link, if the file has been met before. */
  protected putLink(
    device: number,
    inode: number | bigint,
    name: Bytes,
  ): boolean {
    const first = this.#links.find(device, inode);
    if (first === undefined) return false;
    this.put(
      makeEntry("hardlink", {
        name,
        target: this.#links.target(first),
        linkPosition: first,
      }),
    );
    return true;
  }

  /**
   * Notes the first link of a file.
   *
   * @returns Its position; `undefined` where its path is too long for an archive's links.
   */
  protected firstLink(
    level: L,
    device: number,
    inode: number | bigint,
    name: Bytes,
  ): number | undefined {
    if (this.place.length + 1 + name.length > LINK_PATH_LIMIT) {
      this.warn(
        level,
        name,
        "Cannot link to",
        `its path is longer than ${LINK_PATH_LIMIT} bytes; each link is stored as a file`,
      );
      return undefined;
    }
    return this.#links.add(device, inode, level.path(this.place), name);
  }

  /** Goes into a directory whose entry has been put. */
  protected enter(level: L): void {
    this.levels.push(level);
    if (level.parent !== undefined) this.place.enter(level.name);
  }

  /**
   * Adds the patterns of the directory that was entered last.
   *
   * @param found What is in its exclude file, or what is wrong with that.
   */
  protected exclude(level: L, found: Bytes | string, cause?: unknown): void {
    if (typeof found === "string") {
      this.warn(level, EXCLUDE_FILE, "Cannot use patterns of", found, cause);
    } else this.place.exclude(found, this.settings.report);
  }

  /**
   * Counts the names of the directory that was entered last.
   *
   * @throws {PxarError} If there are too many.
   */
  protected count(level: L, names: number): void {
    const { entriesMax } = this.settings;
    level.count = names;
    this.#entriesOnPath += names;
    if (this.#entriesOnPath > entriesMax) {
      throw new PxarError(
        `Cannot read directory ${
          this.show(level.parent, level.name)
        }: it and those around it have ${this.#entriesOnPath} entries, expected at most ${entriesMax} (the option entries-max)`,
      );
    }
  }

  /** Reports what could not be opened or asked about, or throws if that is no reason to go on. */
  protected gone(level: L, name: Bytes, error: SystemError): void {
    if (!GONE.has(error.code)) throw error;
    const what = `${error.message}; left out`;
    this.settings.report.warn(pathOf(level, name), what, error);
  }

  /** Reports something that was left out or changed. */
  protected warn(
    level: Level | undefined,
    name: Bytes,
    verb: string,
    what: string,
    cause?: unknown,
  ): void {
    this.settings.report.warn(
      pathOf(level, name),
      `${verb} ${this.show(level, name)}: ${what}`,
      cause,
    );
  }

  /** The path of an entry as it is shown. */
  protected show(level: Level | undefined, name: Bytes): string {
    return showName(pathOf(level, name)) || ".";
  }

  #fill(): void {
    const { batch: limit, patterns, prelude } = this.settings;
    this.#batch = [];
    this.#files = [];
    if (!this.#started) {
      this.#started = true;
      if (prelude && patterns.length > 0) {
        this.#batch.push(
          makeEntry("prelude", {
            content: new BytesContent(encodePrelude(patterns)),
          }),
        );
      }
      this.begin();
    }
    const levels = this.levels;
    while (this.#batch.length < limit) {
      const level = levels.at(-1);
      if (level === undefined) break;
      if (level.next < level.count) this.visit(level, level.next++);
      else this.#leave(level);
    }
  }

  #leave(level: L): void {
    const { patterns, prelude } = this.settings;
    if (level.parent === undefined && patterns.length > 0 && !prelude) {
      const [uid, gid] = this.owner();
      this.put(makeEntry("file", {
        name: EXCLUDE_CLI_FILE,
        mode: 0o100600,
        uid,
        gid,
        content: new BytesContent(encodePatterns(patterns)),
      }));
    }
    this.#batch.push(END);
    this.leave(level);
    this.levels.pop();
    this.place.back(level.outerLength, level.outerPatterns);
    this.#entriesOnPath -= level.count;
  }
}
