/**
 * Small files on their way to the thread that writes and closes them: memory that two threads share.
 *
 * One thread puts, one takes. `put` and `taken` only ever rise (modulo 2^32); a slot belongs to the taker while its number lies between them, and to the putter otherwise,
 * so that an empty ring and a full one are told apart by a difference of 0 and of {@linkcode SLOTS}.
 *
 * @module
 */

/** How many files may be on their way. */
export const SLOTS = 16;

/** Words of the shared memory, before the slots. */
const PUT = 0,
  TAKEN = 1,
  STATE = 2,
  ASLEEP = 3,
  WOKEN = 4,
  DRAINING = 5,
  FIRST_SLOT = 6;
/** Words of a slot: descriptor, length, seconds (low, high), nanoseconds; then what became of it: results of write, futimens and close. */
const SLOT = 8;

/** The other thread has not said anything yet; is there; is to end. */
const STARTING = 0, READY = 1, ENDING = 2;

/** How often an empty ring is looked at before the taker goes to sleep: some 20 µs, less than waking it costs. */
const LOOKS = 500;

/** How long the putter waits for the taker, milliseconds, before it takes it for dead. */
const PATIENCE = 30_000;

/** A file that is made, and waits for the rest. */
export interface Waiting {
  /** The open file. */
  fd: number;
  /** How many bytes of its slot's memory are its content. */
  length: number;
  /** Its time, as in an entry. */
  secs: number;
  /** Its time, as in an entry. */
  nanos: number;
}

/** What became of a file: negative error numbers, 0 for success. */
export interface Closed {
  /** Of writing its content. */
  write: number;
  /** Of setting its time. */
  times: number;
  /** Of closing it. */
  close: number;
}

/** The ring, as either side sees it. */
export class SmallFileRing {
  /** To be handed to the other thread. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  /**
   * Makes an empty ring, or the other side of one.
   *
   * @param memory What the first side made.
   */
  constructor(
    memory: SharedArrayBuffer = new SharedArrayBuffer(
      4 * (FIRST_SLOT + SLOTS * SLOT),
    ),
  ) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** Whether the taker is there. */
  get ready(): boolean {
    return Atomics.load(this.#words, STATE) === READY;
  }

  /** How many files are on their way. */
  get length(): number {
    return this.#put - Atomics.load(this.#words, TAKEN) | 0;
  }

  /** The number, modulo {@linkcode SLOTS}, of the slot that is put next. */
  get next(): number {
    return (this.#put >>> 0) % SLOTS;
  }

  /** Puts a file into the {@linkcode next} slot; there must be room. */
  put(fd: number, length: number, secs: number, nanos: number): void {
    const words = this.#words, put = this.#put;
    if (this.length >= SLOTS) {
      throw new RangeError("Cannot put a file: the ring is full");
    }
    const at = FIRST_SLOT + this.next * SLOT;
    words[at] = fd;
    words[at + 1] = length;
    words[at + 2] = secs;
    words[at + 3] = Math.floor(secs / 2 ** 32);
    words[at + 4] = nanos;
    Atomics.store(words, PUT, put + 1 | 0);
    if (Atomics.load(words, ASLEEP) === 1) this.#wake();
  }

  /** What became of the file that was last in a slot, once it is no more on its way. */
  closed(slot: number): Closed {
    const at = FIRST_SLOT + slot * SLOT;
    const [write, times, close] = this.#words.subarray(at + 5, at + 8);
    return { write: write!, times: times!, close: close! };
  }

  /** Waits until nothing is on its way; says whether that came about. */
  drain(): boolean {
    const words = this.#words;
    for (let looks = 0; this.length > 0; looks++) {
      if (looks < LOOKS) continue;
      Atomics.store(words, DRAINING, 1);
      const taken = Atomics.load(words, TAKEN);
      const waited = taken === this.#put
        ? "ok"
        : Atomics.wait(words, TAKEN, taken, PATIENCE);
      Atomics.store(words, DRAINING, 0);
      if (waited === "timed-out") return false;
    }
    return true;
  }

  /** Tells the taker to end once the ring is empty. */
  end(): void {
    Atomics.store(this.#words, STATE, ENDING);
    this.#wake();
  }

  /**
   * The taker's life: takes files until it is told to end.
   *
   * @param finish Writes, sets the time and closes; is told the slot, and fills in what became of it.
   */
  take(
    finish: (slot: number, waiting: Waiting, closed: Closed) => void,
  ): void {
    const words = this.#words;
    const waiting = { fd: 0, length: 0, secs: 0, nanos: 0 };
    const closed = { write: 0, times: 0, close: 0 };
    Atomics.compareExchange(words, STATE, STARTING, READY);
    let taken = Atomics.load(words, TAKEN);
    for (;;) {
      if (Atomics.load(words, PUT) === taken && !this.#await(taken)) return;
      const slot = (taken >>> 0) % SLOTS, at = FIRST_SLOT + slot * SLOT;
      waiting.fd = words[at]!;
      waiting.length = words[at + 1]!;
      waiting.secs = words[at + 3]! * 2 ** 32 + (words[at + 2]! >>> 0);
      waiting.nanos = words[at + 4]!;
      finish(slot, waiting, closed);
      words[at + 5] = closed.write;
      words[at + 6] = closed.times;
      words[at + 7] = closed.close;
      taken = taken + 1 | 0;
      Atomics.store(words, TAKEN, taken);
      if (Atomics.load(words, DRAINING) === 1) Atomics.notify(words, TAKEN);
    }
  }

  /** Waits until there is something to take; says whether there is, or the end has come. */
  #await(taken: number): boolean {
    const words = this.#words;
    for (let looks = 0;; looks++) {
      if (Atomics.load(words, PUT) !== taken) return true;
      if (Atomics.load(words, STATE) === ENDING) return false;
      if (looks < LOOKS) continue;
      Atomics.store(words, ASLEEP, 1);
      const woken = Atomics.load(words, WOKEN);
      // Once more, now that whoever puts sees that somebody sleeps: what was put before that would wake nobody.
      if (
        Atomics.load(words, PUT) === taken &&
        Atomics.load(words, STATE) !== ENDING
      ) Atomics.wait(words, WOKEN, woken);
      Atomics.store(words, ASLEEP, 0);
    }
  }

  #wake(): void {
    Atomics.add(this.#words, WOKEN, 1);
    Atomics.notify(this.#words, WOKEN);
  }

  get #put(): number {
    return Atomics.load(this.#words, PUT);
  }
}
