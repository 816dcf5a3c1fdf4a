// Several trees, read side by side: names in order, directories entered together, conflicts decided.
import type { Bytes } from "@pxar/format/bytes";
import {
  type Batch,
  BytesContent,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { FormatError, PxarError, UnsupportedError } from "@pxar/format/errors";
import { compareNames, showName } from "@pxar/format/name";
import {
  isExcludeList,
  joinLists,
  listOfPrelude,
  preludeOfList,
  readList,
} from "./exclude_list.ts";
import type { Time } from "./first_links.ts";
import type { ConflictPolicy, MergeOptions, MergeSource } from "./merge.ts";
import { MergeCursor } from "./merge_cursor.ts";
import { type LinkedSource, MergeLinks, type Origin } from "./merge_links.ts";
import { PathTracker } from "./path.ts";

/** A source within a directory that is open in it. */
interface Member extends LinkedSource {
  /** The name that came last in this directory. */
  last: Bytes | undefined;
}

/** A root's list of what was left out. */
interface List {
  readonly member: number;
  readonly entry: Entry;
  readonly text: Bytes;
}

/** Goes through several trees at once. */
export class Merger {
  readonly #policy: ConflictPolicy;
  readonly #options: MergeOptions;
  readonly #roots: readonly Member[];
  readonly #paths = new PathTracker();
  readonly #links = new MergeLinks((entry) => this.#view(entry));
  /** The directories that are open, each with those that have it. */
  readonly #levels: (readonly Member[])[] = [];
  readonly #lists: List[] = [];
  #out: Entry[] = [];

  constructor(sources: readonly MergeSource[], options: MergeOptions) {
    this.#policy = options.policy ?? "error";
    this.#options = options;
    this.#roots = membersOf(sources, this.#policy === "newest");
  }

  /** Gives the merged tree; once. */
  async *run(): AsyncGenerator<Batch, void, void> {
    const { signal } = this.#options;
    await this.#begin();
    this.#decide(this.#roots);
    for (;;) {
      const level = this.#levels.at(-1);
      if (level === undefined) break;
      for (const { cursor } of level) {
        while (!cursor.ready()) {
          // What is in the batches at hand goes first: contents end with them.
          if (this.#out.length > 0) {
            yield this.#out;
            this.#out = [];
          }
          signal?.throwIfAborted();
          await cursor.fetch();
        }
      }
      const wait = this.#step(level);
      if (wait !== undefined) await wait;
    }
    yield this.#out;
    for (const { cursor } of this.#roots) await cursor.finish();
  }

  /** Ends all sources. */
  async close(): Promise<void> {
    for (const { cursor } of this.#roots) await cursor.close();
  }

  /** Goes to the roots, with one prelude for all that come before them. */
  async #begin(): Promise<void> {
    const preludes: Bytes[] = [];
    for (const { cursor } of this.#roots) {
      for (;;) {
        while (!cursor.ready()) await cursor.fetch();
        const { kind, content } = cursor.head;
        if (kind === "directory") break;
        if (kind === "prelude") {
          const prelude = content && await readList(content);
          if (prelude !== undefined) preludes.push(prelude);
        } else if (kind !== "version") {
          throw new TypeError(
            `Cannot merge ${cursor.name}: a ${kind} comes first, expected a root`,
          );
        }
        cursor.take();
      }
    }
    if (preludes.length > 0) this.#out.push(joinPreludes(preludes));
  }

  /** Takes the next name of the innermost directory, or its end. */
  #step(level: readonly Member[]): undefined | Promise<void> {
    if (level.length === 1) return this.#put(level[0]!);
    if (this.#levels.length === 1) {
      const at = level.findIndex(({ cursor }) => isExcludeList(cursor.head));
      if (at >= 0) return this.#takeList(level, at);
    }
    let least: Member | undefined;
    let several: Member[] | undefined;
    for (const member of level) {
      const { kind, name } = member.cursor.head;
      if (kind === "end") continue;
      const { last } = member;
      if (last !== undefined && compareNames(last, name) >= 0) {
        this.#refuseOrder(member);
      }
      const order = least === undefined
        ? -1
        : compareNames(name, least.cursor.head.name);
      if (order > 0) continue;
      if (order < 0) {
        least = member;
        several = undefined;
      } else (several ??= [least!]).push(member);
    }
    if (least === undefined) {
      this.#leave(level);
      return undefined;
    }
    const { name } = least.cursor.head;
    if (several === undefined) {
      least.last = name;
      return this.#put(least);
    }
    for (const member of several) member.last = name;
    return this.#decide(several);
  }

  /** Takes a name that several have, or the root. */
  #decide([first, ...others]: readonly Member[]): undefined | Promise<void> {
    // Whose metadata stays, and all that have what stays: of a directory several, in the order of the sources.
    let best = first!, kept = [best];
    for (const other of others) {
      const wins = this.#policy === "replace" ||
        this.#policy === "newest" && this.#isNewer(other, best);
      if (isDirectory(best) && isDirectory(other)) {
        kept.push(other);
      } else {
        this.#conflict(wins ? other : best, wins ? best : other);
        for (const { cursor } of wins ? kept : [other]) cursor.drop();
        if (wins) kept = [other];
      }
      if (wins) best = other;
    }
    if (!isDirectory(best)) return this.#put(best);
    this.#enter(kept, best);
    return undefined;
  }

  /** Passes on what one source has. */
  #put(member: Member): undefined | Promise<void> {
    const { cursor } = member, { kind } = cursor.head;
    switch (kind) {
      case "directory":
        this.#enter([member], member);
        return undefined;
      case "end":
        this.#leave([member]);
        return undefined;
      case "file":
        this.#out.push(this.#links.file(member, cursor.take()));
        return undefined;
      case "hardlink": {
        const link = this.#links.link(member, cursor.take());
        if (link instanceof Promise) return this.#later(link);
        this.#out.push(link);
        return undefined;
      }
      case "version":
      case "prelude":
      case "inject":
        throw new TypeError(
          `Cannot merge ${cursor.name}: there is a ${kind} within the tree, expected none`,
        );
      default:
        this.#out.push({ ...cursor.take(), position: this.#links.next() });
        return undefined;
    }
  }

  async #later(entry: Promise<Entry>): Promise<void> {
    this.#out.push(await entry);
  }

  /** Goes into a directory of all these; the metadata of `best` stays. */
  #enter(members: readonly Member[], best: Member): void {
    const { head } = best.cursor;
    this.#paths.enter(head);
    this.#out.push({ ...head, position: this.#links.next() });
    for (const { cursor } of members) cursor.take();
    this.#levels.push(members.map((one) => ({ ...one, last: undefined })));
  }

  #leave(members: readonly Member[]): void {
    if (this.#levels.length === 1 && this.#lists.length > 0) {
      this.#out.push(joinFiles(this.#lists));
    }
    const { head } = members[0]!.cursor;
    this.#out.push({ ...head, position: this.#links.next() });
    for (const { cursor } of members) cursor.take();
    this.#levels.pop();
    this.#paths.leave();
  }

  /** Takes a list out of the root, to be put behind all else. */
  async #takeList(level: readonly Member[], at: number): Promise<void> {
    const { cursor } = level[at]!, entry = cursor.take();
    const text = await readList(entry.content!);
    entry.content!.release?.();
    if (text === undefined) {
      throw new FormatError(
        `Cannot merge ${cursor.name}: "${
          showName(entry.name)
        }" is shorter than it says`,
      );
    }
    const member = this.#roots.findIndex((one) => one.cursor === cursor);
    this.#lists.push({ member, entry, text });
  }

  #conflict(kept: Member, dropped: Member): void {
    const path = this.#path(kept.cursor.head.name);
    if (this.#policy === "error") {
      throw new PxarError(
        `Cannot merge "${showName(path)}": it is ${
          nameKind(kept)
        } in ${kept.cursor.name} and ${
          nameKind(dropped)
        } in ${dropped.cursor.name}, expected it in ` +
          `one of them, or a policy for conflicts: keep-first, replace or newest`,
      );
    }
    this.#options.onConflict?.({
      path,
      kept: kept.cursor.name,
      dropped: dropped.cursor.name,
    });
  }

  #isNewer(a: Member, b: Member): boolean {
    const { secs, nanos } = this.#time(a), other = this.#time(b);
    return secs > other.secs || secs === other.secs && nanos > other.nanos;
  }

  #time({ cursor: { head, links, name } }: Member): Time {
    if (head.kind !== "hardlink") return head;
    const { linkPosition } = head;
    const time = linkPosition === undefined
      ? undefined
      : links.time(linkPosition);
    if (time !== undefined) return time;
    throw new FormatError(
      `Cannot merge ${name}: hardlink "${
        showName(this.#path(head.name))
      }" leads to byte ${linkPosition}, expected a file before it`,
    );
  }

  #refuseOrder({ cursor, last }: Member): never {
    const path = showName(this.#path(cursor.head.name));
    const twice = compareNames(last!, cursor.head.name) === 0;
    throw new UnsupportedError(
      `Cannot merge ${cursor.name}: "${path}" comes ${
        twice ? "twice" : `behind "${showName(last!)}"`
      }, expected names in the order of their bytes`,
    );
  }

  /** Path of a child of the innermost directory. */
  #path(name: Bytes): Bytes {
    return this.#view(makeEntry("file", { name })).slice();
  }

  /** Path of one that is no directory, valid until the next one. */
  #view(child: Entry): Bytes {
    this.#paths.enter(child);
    return this.#paths.view;
  }
}

function membersOf(
  sources: readonly MergeSource[],
  withTimes: boolean,
): Member[] {
  const origins = new Map<unknown, Origin>();
  return sources.map((source, i) => {
    const of = source.origin ?? source;
    const origin: Origin = origins.get(of) ??
      { members: [], promoted: new Map() };
    origins.set(of, origin);
    const name = source.name ?? `source ${i + 1}`;
    const cursor = new MergeCursor(source.entries, name, withTimes);
    const member: Member = { cursor, source, origin, last: undefined };
    origin.members.push(member);
    return member;
  });
}

function isDirectory({ cursor }: Member): boolean {
  return cursor.head.kind === "directory";
}

function nameKind({ cursor: { head } }: Member): string {
  return `a ${head.kind}`;
}

/** One prelude for several: their lists joined; the first one where they hold anything else. */
function joinPreludes(preludes: readonly Bytes[]): Entry {
  const lists = preludes.map(listOfPrelude).filter((one) => one !== undefined);
  const joined = lists.length === preludes.length && lists.length > 1
    ? preludeOfList(joinLists(lists))
    : undefined;
  return joined ??
    makeEntry("prelude", { content: new BytesContent(preludes[0]!) });
}

function joinFiles(lists: List[]): Entry {
  lists.sort((a, b) => a.member - b.member);
  const text = joinLists(lists.map(({ text }) => text));
  const content = new BytesContent(text);
  return { ...lists[0]!.entry, content, position: undefined };
}
