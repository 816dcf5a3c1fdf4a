/**
 * Where a catalog shell stands, what is selected in it, and what its commands do.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import type { Batches, Entry } from "@pxar/format/entry";
import { NotFoundError } from "@pxar/format/errors";
import type { Pattern } from "@pxar/format/pattern";
import { Report } from "@pxar/fs/report";
import { writeTree } from "@pxar/fs/write_tree";
import type { Browser, Place } from "@pxar/transfer/browse";
import { findEntries, findInCatalog } from "@pxar/transfer/find";
import { pick } from "@pxar/transfer/pick";
import { select } from "@pxar/transfer/select";
import { UsageError } from "./exits.ts";
import { absolute, quote } from "./names.ts";
import { closing } from "./outcome.ts";
import { Lines, print } from "./output.ts";
import { countText, localTime, modeText, sizeText } from "./show.ts";
import type { Voice } from "./voice.ts";

const TYPES = {
  file: "file",
  directory: "directory",
  symlink: "symlink",
  hardlink: "hardlink",
  block: "block device",
  char: "character device",
  fifo: "fifo",
  socket: "socket",
} as const;

const BACKSLASH = 0x5c, SLASH = 0x2f;

/** What the shell looks at. */
export interface ShellParts {
  /** The archive. */
  readonly browser: Browser;
  /** Its entries in order, without contents, as often as asked for. */
  readonly entries: () => Batches;
  /** Says what goes wrong. */
  readonly voice: Voice;
}

/** One who walks about in an archive. */
export class ShellSession {
  /** The directory that relative paths begin in. */
  here: Place;
  readonly #browser: Browser;
  readonly #entries: () => Batches;
  readonly #voice: Voice;
  /** Paths without leading slash, in the order in which they were selected. */
  readonly #selected: Map<string, Bytes> = new Map();

  /** Begins at the root. */
  constructor({ browser, entries, voice }: ShellParts) {
    this.#browser = browser;
    this.#entries = entries;
    this.#voice = voice;
    this.here = browser.root;
  }

  /** Prints where it is. */
  pwd(): void {
    print(`${absolute(quote(this.here.path))}\n`);
  }

  /** Goes to a directory, over links; to the root without a path. */
  async cd(path: Bytes | undefined): Promise<void> {
    const place = path === undefined
      ? this.#browser.root
      : await this.#browser.resolve(this.here, path, { follow: true });
    if (place.kind !== "directory") {
      throw new UsageError(
        `Cannot go to ${
          absolute(quote(place.path))
        }: it is a ${place.kind}, expected a directory`,
      );
    }
    this.here = place;
  }

  /** Prints the names in a directory, or that of anything else. */
  async ls(path: Bytes | undefined, signal: AbortSignal): Promise<void> {
    const place = path === undefined ? this.here : await this.#seen(path);
    if (place.kind !== "directory") return print(`${quote(place.name)}\n`);
    const lines = new Lines();
    try {
      for await (const page of this.#browser.list(place)) {
        signal.throwIfAborted();
        for (const { name } of page) lines.line(quote(name));
      }
    } finally {
      lines.end();
    }
  }

  /** Prints what the archive keeps of an entry. */
  async stat(path: Bytes): Promise<void> {
    const place = await this.#browser.resolve(this.here, path);
    const { accessor } = this.#browser;
    const node = await this.#browser.node(place);
    const { entry } = node, file = await accessor.follow(node);
    const { mode, uid, gid, secs, attributes, device } = file.entry;
    const target = entry.target === undefined
      ? ""
      : ` -> "${entry.kind === "hardlink" ? "/" : ""}${quote(entry.target)}"`;
    const size = String(file.entry.kind === "file" ? file.size : 0);
    const numbers = device ? ` ${device.major},${device.minor}` : "";
    const acl = attributes?.acl === undefined ? " " : "+";
    const xattrs = attributes?.xattrs.length ? "+" : " ";
    const bits = (mode & 0o7777).toString(8);
    const letters = modeText(file.entry.kind, mode);
    print(
      `  File: /${quote(place.path)}${target}
  Size: ${size.padEnd(13)} Type: ${TYPES[place.kind]}${numbers}
Access: (${bits}/${letters}${acl}${xattrs})  Uid: ${
        String(uid).padEnd(5)
      } Gid: ${String(gid).padEnd(5)}
Modify: ${localTime(secs)}
`,
    );
  }

  /** Selects an entry, a directory with all that is in it. */
  async select(path: Bytes): Promise<void> {
    this.#select((await this.#browser.resolve(this.here, path)).path);
  }

  /** Takes back what was selected. */
  async deselect(path: Bytes): Promise<void> {
    const place = await this.#browser.resolve(this.here, path);
    if (this.#selected.delete(place.path.toHex())) return;
    throw new NotFoundError(
      `Cannot deselect ${
        absolute(quote(place.path))
      }: it is not among what is selected`,
    );
  }

  /** Takes back all that was selected. */
  clearSelected(): void {
    this.#selected.clear();
  }

  /** Prints what is selected; as patterns, in the form that `extract --files-from FILE --escaped` takes. */
  listSelected(patterns: boolean): void {
    const lines = new Lines();
    for (const path of this.#selected.values()) {
      lines.line(`/${quote(patterns ? literal(path) : path)}`);
    }
    lines.end();
  }

  /** Prints what matches a pattern anywhere in the archive, and selects it where that is wanted. */
  async find(
    pattern: Pattern,
    selects: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { catalog } = this.#browser;
    const options = { patterns: [pattern], signal };
    const pages = catalog === undefined
      ? findEntries(this.#entries(), options)
      : findInCatalog(catalog.reader, catalog.directory, options);
    const lines = new Lines();
    try {
      for await (const page of pages) {
        for (const { path } of page) {
          if (path.length === 0) continue;
          lines.line(`/${quote(path)}`);
          if (selects) this.#select(path);
        }
      }
    } finally {
      lines.end();
    }
  }

  /** Restores the directory where it is, or what matches in it, into a folder of the file system here. */
  async restore(
    target: Bytes,
    patterns: readonly Pattern[],
    signal: AbortSignal,
  ): Promise<number> {
    const { accessor } = this.#browser, below = this.here.path;
    return await this.#restore(target, signal, (report) => {
      const all = pick(accessor, { below, signal });
      if (patterns.length === 0) return all;
      return select(all, {
        patterns,
        matchAll: false,
        resolve: (position) => this.#firstLink(position),
        onError: (path, error) => report.fail(path, error.message, error),
      });
    });
  }

  /** Restores what is selected, with the directories that lead there, into a folder of the file system here. */
  async restoreSelected(target: Bytes, signal: AbortSignal): Promise<number> {
    if (this.#selected.size === 0) {
      throw new UsageError(
        "Cannot restore what is selected: nothing is, expected select PATH or find PATTERN --select before",
      );
    }
    const paths = this.#selected.values();
    return await this.#restore(
      target,
      signal,
      () => pick(this.#browser.accessor, { paths, signal }),
    );
  }

  /**
   * Finds names that go on with the beginning of one.
   *
   * @param path What was typed: a directory's path, and behind the last slash the beginning of a name.
   * @param most How many names may be found.
   * @returns What there is, in the order of the archive; nothing if it is too much.
   */
  async beginningWith(path: Bytes, most: number): Promise<readonly Place[]> {
    const slash = path.lastIndexOf(SLASH) + 1, start = path.subarray(slash);
    const directory = await this.#browser.resolve(
      this.here,
      path.subarray(0, slash),
      { follow: true },
    );
    const found: Place[] = [];
    for await (const page of this.#browser.list(directory)) {
      for (const place of page) {
        const { name } = place;
        if (start.every((byte, at) => byte === name[at])) found.push(place);
      }
      if (found.length > most) return [];
    }
    return found;
  }

  /** What a path leads to; a link that leads nowhere is the link. */
  async #seen(path: Bytes): Promise<Place> {
    try {
      return await this.#browser.resolve(this.here, path, { follow: true });
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      return await this.#browser.resolve(this.here, path);
    }
  }

  #select(path: Bytes): void {
    this.#selected.set(path.toHex(), path);
  }

  async #firstLink(position: number): Promise<Entry> {
    const { accessor } = this.#browser;
    // What was picked first may itself be a link in the archive.
    const node = await accessor.follow(await accessor.at(position));
    if (node.entry.kind !== "file") return node.entry;
    return { ...node.entry, content: accessor.content(node) };
  }

  async #restore(
    target: Bytes,
    signal: AbortSignal,
    batches: (report: Report) => Batches,
  ): Promise<number> {
    const voice = this.#voice;
    const report = new Report(({ message }) => voice.problem(message));
    voice.follow(() => report);
    try {
      await writeTree(target, batches(report), { report, signal });
    } finally {
      voice.end();
    }
    voice.note(
      `restored ${countText(report.entries)} ${
        report.entries === 1 ? "entry" : "entries"
      }, ${sizeText(report.bytes)}`,
    );
    return await closing(report, voice, "restored");
  }
}

/** A pattern that matches nothing but a path, without the slash before it. */
function literal(path: Bytes): Bytes {
  if (path.length === 0) return NO_BYTES;
  const pattern: number[] = [];
  for (const byte of path) {
    if (byte === BACKSLASH || byte === 0x2a || byte === 0x3f || byte === 0x5b) {
      pattern.push(BACKSLASH);
    }
    pattern.push(byte);
  }
  return Uint8Array.from(pattern);
}
