/**
 * Files written through the C library.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";
import { ERRNO } from "@pxar/sys/errno";
import { addressOf } from "@pxar/sys/libc";
import { SMALL, type SmallFileThread } from "./small_file_thread.ts";
import { BLOCK, ContentCopy } from "./content_copy.ts";
import type { Level } from "./directory_stack.ts";
import type { Maker } from "./maker.ts";
import type { NativeFlags } from "./native_flags.ts";
import type { NativeMetadata } from "./native_metadata.ts";
import { temporaryName } from "./temporary_name.ts";
import type { Trail } from "./trail.ts";
import { type Choices, EntryError } from "./tree_writer.ts";

const ASCII = new TextEncoder();

/** Writes one file after the other. */
export class NativeFile {
  readonly #maker: Maker;
  readonly #metadata: NativeMetadata;
  readonly #flags: NativeFlags;
  readonly #trail: Trail;
  readonly #choices: Choices;
  readonly #mask: number;
  readonly #thread: SmallFileThread;
  readonly #copy: ContentCopy;
  readonly #address: number;
  // The file at hand.
  #fd = -1;
  #parent = -1;
  #entry!: Entry;
  /** Under which name it is written. */
  #name!: Bytes;
  /** Whether it has its final mode and owner, and gets nothing else but its time. */
  #dressed = false;
  /** Whether it has its final owner. */
  #owned = false;
  /** Where its content is put for another thread to write; `undefined` where it is written here. */
  #room: Bytes | undefined;
  /** How much of it is left to the other thread. */
  #unwritten = 0;
  /** Address of what its content is put into. */
  #from = 0;
  /** Whether it ends in a hole so far. */
  #hole = false;

  /**
   * Writes nothing yet.
   *
   * @param maker Makes the calls.
   * @param metadata Sets what the file is beside its content.
   * @param flags And its flags.
   * @param trail Takes what goes wrong.
   * @param choices What is wanted.
   * @param mask The process's umask.
   * @param thread Takes files that are done but for their time.
   */
  constructor(
    maker: Maker,
    metadata: NativeMetadata,
    flags: NativeFlags,
    trail: Trail,
    choices: Choices,
    mask: number,
    thread: SmallFileThread,
  ) {
    this.#maker = maker;
    this.#metadata = metadata;
    this.#flags = flags;
    this.#trail = trail;
    this.#choices = choices;
    this.#mask = mask;
    this.#thread = thread;
    this.#copy = new ContentCopy((length) => {
      if (this.#room !== undefined && this.#isDense(length)) {
        this.#unwritten = length;
      } else if (choices.sparse && length >= BLOCK) this.#writeSparse(length);
      else {
        this.#write(0, length);
        this.#hole = false;
      }
    }, choices.signal);
    this.#address = addressOf(maker.libc, this.#copy.slab);
  }

  /**
   * Makes a file.
   *
   * @param level The directory that it is made in.
   * @param entry What it shall be.
   * @returns Whether it is there; a promise only where its content makes wait.
   */
  write(level: Level, entry: Entry): boolean | Promise<boolean> {
    const { content } = entry;
    if (content === undefined) {
      this.#trail.fail(
        "create file",
        "its content is not at hand, expected a payload stream",
      );
      return false;
    }
    if (!this.#open(level, entry)) return false;
    try {
      if (entry.flags !== 0) this.#flags.applyInitial(this.#fd, entry);
      this.#room =
        this.#dressed && content.size <= SMALL && this.#name === entry.name
          ? this.#thread.room()
          : undefined;
      this.#from = this.#room === undefined
        ? this.#address
        : this.#thread.address;
      this.#unwritten = 0;
      const waiting = content.size > 0
        ? this.#copy.run(content, this.#room)
        : undefined;
      if (waiting === undefined) return this.#finish();
      return waiting.then(() => this.#finish())
        .catch((error) => this.#abandon(error));
    } catch (error) {
      return this.#abandon(error);
    }
  }

  #open(level: Level, entry: Entry): boolean {
    const { name, mode, uid, gid } = entry;
    const { owners, permissions, overwriteFiles } = this.#choices;
    const bits = mode & 0o7777;
    const owned = uid === level.uid && gid === level.gid;
    // The final mode at once, where nothing in between could let others at the content and nothing follows.
    const dressed = permissions && (owned || !owners) && level.plain &&
      bits < 0o1000 && (bits & this.#mask) === 0 &&
      entry.attributes === undefined && entry.flags === 0;
    const asked = dressed ? bits : 0o600;
    let fd = this.#maker.createFile(level.fd, name, asked);
    this.#name = name;
    if (fd === -ERRNO.EEXIST && overwriteFiles) {
      if (this.#maker.isDirectory(level.fd, name)) fd = -ERRNO.EISDIR;
      else {
        this.#name = ASCII.encode(temporaryName());
        fd = this.#maker.createFile(level.fd, this.#name, asked);
      }
    }
    if (fd < 0) {
      this.#trail.refused("create file", "openat", -fd);
      return false;
    }
    this.#fd = fd;
    this.#parent = level.fd;
    this.#entry = entry;
    this.#dressed = dressed;
    this.#owned = owned;
    this.#hole = false;
    if (!level.learned) this.#learn(level, asked);
    return true;
  }

  /** One look for each directory: is a new file what is asked for, and whose? A set-gid directory, a default list and mount options may say otherwise. */
  #learn(level: Level, asked: number): void {
    const { seen } = this.#maker;
    const { uid, gid } = this.#entry;
    level.learned = true;
    level.plain = this.#maker.look(this.#fd) === 0 &&
      (seen.mode & 0o7777) === asked;
    level.uid = seen.uid;
    level.gid = seen.gid;
    this.#owned = uid === seen.uid && gid === seen.gid;
    if (!this.#dressed) return;
    this.#dressed = level.plain && (this.#owned || !this.#choices.owners);
    if (!this.#dressed) this.#maker.chmod(this.#fd, 0o600);
  }

  #finish(): boolean {
    const maker = this.#maker, fd = this.#fd, entry = this.#entry;
    const { size } = entry.content!;
    if (this.#hole) this.#check("ftruncate", maker.truncate(fd, size));
    if (this.#room !== undefined) {
      this.#thread.take(fd, entry, this.#unwritten);
      this.#fd = -1;
      this.#trail.report.bytes += size;
      return true;
    }
    if (this.#dressed) this.#metadata.times(fd, entry);
    else this.#metadata.apply(fd, entry, this.#owned);
    if (this.#name !== entry.name) {
      this.#check(
        "renameat2",
        this.#flags.replace(this.#parent, this.#name, entry.name),
      );
    }
    // Last, because some of them forbid even a new name.
    if (entry.flags !== 0) this.#flags.apply(fd, entry);
    this.#fd = -1;
    const closed = maker.close(fd);
    if (closed < 0) this.#trail.refused("write file", "close", -closed);
    this.#trail.report.bytes += size;
    return true;
  }

  /** Takes away what is not finished; an error that is the entry's alone is noted. */
  #abandon(error: unknown): boolean {
    if (this.#fd >= 0) {
      this.#maker.unlink(this.#parent, this.#name);
      this.#maker.close(this.#fd);
      this.#fd = -1;
    }
    if (!(error instanceof EntryError)) throw error;
    error.note(this.#trail);
    return false;
  }

  /** Writes from the slab, and leaves holes for blocks of zeros. */
  #writeSparse(length: number): void {
    let from = 0, hole = false;
    for (let at = 0; at < length; at += BLOCK) {
      const size = Math.min(BLOCK, length - at);
      hole = this.#isHole(at, size);
      if (!hole) continue;
      if (at > from) this.#write(from, at - from);
      this.#check("lseek", this.#maker.seek(this.#fd, size));
      from = at + size;
    }
    if (length > from) this.#write(from, length - from);
    this.#hole = hole;
  }

  /** Whether there is no block of zeros in what was filled. */
  #isDense(length: number): boolean {
    if (!this.#choices.sparse || length < BLOCK) return true;
    for (let at = 0; at < length; at += BLOCK) {
      if (this.#isHole(at, Math.min(BLOCK, length - at))) return false;
    }
    return true;
  }

  #isHole(at: number, size: number): boolean {
    const bytes = this.#room ?? this.#copy.slab, address = this.#from + at;
    // Two bytes settle it for nearly all data; the rest is one comparison of the block with itself, a byte further.
    return bytes[at] === 0 && bytes[at + size - 1] === 0 &&
      this.#maker.libc.memcmp(
          BigInt(address),
          BigInt(address + 1),
          size - 1,
        ) === 0;
  }

  #write(from: number, length: number): void {
    for (let done = 0; done < length;) {
      const wrote = this.#maker.write(
        this.#fd,
        this.#from + from + done,
        length - done,
      );
      if (wrote === -ERRNO.EINTR) continue;
      this.#check("write", wrote);
      done += wrote;
    }
  }

  #check(call: string, result: number): void {
    if (result >= 0) return;
    throw new EntryError((trail) => trail.refused("write file", call, -result));
  }
}
