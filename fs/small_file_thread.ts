/**
 * The rest of what small files need, on another thread, while the next file is made: writing, setting the time, closing.
 *
 * Measured with 100,000 files of 1 to 4 KiB on two processors: making a file and its name takes half of the kernel's time, all else the other half.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";
import { SLOTS, SmallFileRing } from "./small_file_ring.ts";
import type { SmallFileTask } from "./small_file_worker.ts";
import type { Maker } from "./maker.ts";
import type { Trail } from "./trail.ts";
import { addressOf } from "@pxar/sys/libc";

/** From how many files on the thread pays for its start. */
const WORTHWHILE = 2000;

/** Greatest content that goes by way of the other thread, bytes. */
export const SMALL = 1 << 14;

/** Hands files to another thread, and sees to what becomes of them. */
export class SmallFileThread {
  readonly #maker: Maker;
  readonly #trail: Trail;
  readonly #parent: () => number;
  readonly #entries: (Entry | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #contents: Bytes[] = [];
  #address = 0;
  #files = 0;
  #ring: SmallFileRing | undefined;
  #worker: Worker | undefined;

  /**
   * Starts nothing yet.
   *
   * @param maker Makes the calls.
   * @param trail Takes what goes wrong.
   * @param parent The directory that is open, where files that could not be written are removed.
   */
  constructor(maker: Maker, trail: Trail, parent: () => number) {
    this.#maker = maker;
    this.#trail = trail;
    this.#parent = parent;
  }

  /**
   * Makes room for a small file.
   *
   * @returns Where its content goes, {@linkcode SMALL} bytes; `undefined` where the other thread is not there or busy.
   */
  room(): Bytes | undefined {
    const ring = this.#ring;
    if (ring === undefined) {
      if (++this.#files === WORTHWHILE) this.#start();
      return undefined;
    }
    if (!ring.ready || ring.length >= SLOTS) return undefined;
    return this.#contents[ring.next];
  }

  /** Where in memory the room is that was given last. */
  get address(): number {
    return this.#address + this.#ring!.next * SMALL;
  }

  /**
   * Takes a file whose content is in the room given last.
   *
   * @param fd The open file; closed by the other thread.
   * @param entry What it is.
   * @param length Bytes of content that are still to be written.
   */
  take(fd: number, entry: Entry, length: number): void {
    const ring = this.#ring!, slot = ring.next;
    this.#review(slot);
    this.#entries[slot] = entry;
    ring.put(fd, length, entry.secs, entry.nanos);
  }

  /** Waits until all that was taken is closed, and what could not be written is gone; to be called before another directory is the open one. */
  drain(): void {
    const ring = this.#ring;
    if (ring === undefined || !ring.ready) return;
    if (!ring.drain()) {
      throw new Error("Cannot close files: the thread that does it is gone");
    }
    for (let slot = 0; slot < SLOTS; slot++) this.#review(slot);
  }

  /** Ends the thread, and takes away what it could not write. */
  close(): void {
    const ring = this.#ring;
    ring?.end();
    if (ring?.drain()) {
      for (let slot = 0; slot < SLOTS; slot++) {
        try {
          this.#review(slot);
        } catch {
          // Where the first error ends the journey, it is on its way already.
        }
      }
    }
    this.#worker?.terminate();
    this.#ring = this.#worker = undefined;
  }

  #start(): void {
    if (navigator.hardwareConcurrency < 2) return;
    const memory = new Uint8Array(SLOTS * SMALL);
    for (let slot = 0; slot < SLOTS; slot++) {
      this.#contents.push(memory.subarray(slot * SMALL, (slot + 1) * SMALL));
    }
    this.#address = addressOf(this.#maker.libc, memory);
    try {
      const ring = new SmallFileRing();
      const worker = new Worker(
        new URL("./small_file_worker.ts", import.meta.url),
        { type: "module" },
      );
      // Where the thread cannot start, the ring is never ready, and all goes on without it.
      worker.onerror = (event) => event.preventDefault();
      const task: SmallFileTask = {
        ring: ring.memory,
        contents: this.#address,
        stride: SMALL,
      };
      worker.postMessage(task);
      this.#worker = worker;
      this.#ring = ring;
    } catch {
      // Its file may not be read: a matter of permissions, and of no consequence.
    }
  }

  /** Notes what became of the file that was last in a slot. */
  #review(slot: number): void {
    const entry = this.#entries[slot];
    if (entry === undefined) return;
    this.#entries[slot] = undefined;
    const { write, times, close } = this.#ring!.closed(slot);
    if (write === 0 && times === 0 && close === 0) return;
    this.#trail.within(entry.name, () => {
      if (write < 0) {
        this.#maker.unlink(this.#parent(), entry.name);
        this.#trail.report.bytes -= entry.content?.size ?? 0;
        this.#trail.report.entries--;
        this.#trail.refused("write file", "write", -write);
        return;
      }
      if (times < 0) {
        this.#trail.lack(times, "times", "set times of", "futimens");
      }
      if (close < 0) this.#trail.refused("write file", "close", -close);
    });
  }
}
