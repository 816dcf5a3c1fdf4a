/**
 * Work on many things at once, with results in the order of the things and bounded memory.
 *
 * @module
 */

/** How much may be under way. */
export interface OrderedOptions<T> {
  /** How many items at once, worked on or waiting to be taken; 8 unless told. */
  readonly most?: number | undefined;
  /** How much they may weigh in all, such as bytes; no limit unless told. What weighs more than that alone is worked on alone. */
  readonly budget?: number | undefined;
  /** What an item weighs, 0 or more, from when it is begun until the result behind its own is asked for; needed with a budget. */
  readonly weigh?: ((item: T) => number) | undefined;
  /** Ends it all with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does the same with each of many items, several at once, and yields the results in order.
 *
 * Items are taken only when there is room for them, and none before the first result is asked for.
 *
 * Where an item fails, nothing more is begun, what was begun behind it is aborted, the results before it are yielded, then its error is thrown: what comes out before the
 * error does not depend on who was faster. When the signal or the caller ends it, all that is under way is aborted. Nothing is under way any more when it has ended: work
 * and items that take long should heed the signal.
 *
 * @param items Iterated as far as needed; the iteration is ended in any case.
 * @param work Called for each item, in order; its signal says that nobody wants the result any more.
 * @param options How much may be under way.
 * @throws {RangeError} If `most` or `budget` allow nothing.
 *
 * @example
 * ```ts
 * import { ordered } from "@pxar/chunk/ordered";
 *
 * const lengths = ordered(["a.bin", "b.bin"], async (path, signal) => (await fetch(path, { signal })).headers.get("content-length"), { most: 4 });
 * ```
 */
export async function* ordered<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T, signal: AbortSignal) => R | Promise<R>,
  options: OrderedOptions<T> = {},
): AsyncGenerator<R, void, void> {
  const run = new Run(items, work, options);
  try {
    for (;;) {
      const next = await run.next();
      if (next === undefined) return;
      yield next.result;
      run.taken(next);
    }
  } finally {
    await run.end();
  }
}

/** An item that is worked on, or is done and waits. */
interface Task<R> {
  readonly weight: number;
  readonly stop: AbortController;
  state: "busy" | "done" | "failed";
  /** Settles, never fails, when it is no longer busy. */
  settled: Promise<void>;
  result: R;
  error: unknown;
}

class Run<T, R> {
  readonly #items: Iterator<T> | AsyncIterator<T>;
  readonly #work: (item: T, signal: AbortSignal) => R | Promise<R>;
  readonly #most: number;
  readonly #budget: number;
  readonly #weigh: (item: T) => number;
  readonly #signal: AbortSignal | undefined;
  readonly #tasks: Task<R>[] = [];
  #weight = 0;
  /** An item that was taken and is not begun yet. */
  #held: { readonly item: T; weight: number | undefined } | undefined;
  /** Settles, never fails, when the item that is asked for is there. */
  #asking: Promise<void> | undefined;
  /** No more items are wanted. */
  #over = false;
  /** There are no more items. */
  #exhausted = false;
  /** Why there are no more items, if that is an error. */
  #broken: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  readonly #aborted = (): void => {
    for (const { stop } of this.#tasks) stop.abort(this.#signal?.reason);
    this.#wake?.();
  };

  constructor(
    items: Iterable<T> | AsyncIterable<T>,
    work: (item: T, signal: AbortSignal) => R | Promise<R>,
    options: OrderedOptions<T>,
  ) {
    const { most = 8, budget = Infinity, weigh = () => 0, signal } = options;
    if (!(most >= 1 && budget > 0)) {
      throw new RangeError(
        `Cannot work in order: ${most} at once within ${budget}, expected 1 or more within more than 0`,
      );
    }
    this.#work = work;
    this.#most = most;
    this.#budget = budget;
    this.#weigh = weigh;
    this.#signal = signal;
    this.#items = Symbol.asyncIterator in items
      ? items[Symbol.asyncIterator]()
      : items[Symbol.iterator]();
    signal?.addEventListener("abort", this.#aborted);
  }

  /** The next result, once it is there; `undefined` behind the last one. */
  async next(): Promise<Task<R> | undefined> {
    for (;;) {
      this.#signal?.throwIfAborted();
      this.#fill();
      const first = this.#tasks[0];
      if (first?.state === "done") return first;
      if (first?.state === "failed") throw first.error;
      if (first === undefined && this.#exhausted) {
        if (this.#broken !== undefined) throw this.#broken.error;
        return undefined;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }

  /** Says that a result was used: its weight is gone. */
  taken(task: Task<R>): void {
    this.#tasks.shift();
    this.#weight -= task.weight;
  }

  /** Aborts what is under way, ends the iteration, and waits until all is over. */
  async end(): Promise<void> {
    this.#over = true;
    this.#signal?.removeEventListener("abort", this.#aborted);
    for (const { stop } of this.#tasks) stop.abort();
    // Before the item that is asked for is there: what can give it up does.
    const ended = this.#exhausted ? undefined : this.#items.return?.();
    await Promise.all(this.#tasks.map((task) => task.settled));
    await this.#asking;
    await ended;
  }

  #fill(): void {
    while (!this.#over && this.#tasks.length < this.#most) {
      const held = this.#held;
      if (held === undefined) {
        if (this.#exhausted || this.#asking !== undefined) return;
        this.#ask();
        continue;
      }
      try {
        held.weight ??= this.#weigh(held.item);
      } catch (error) {
        this.#over = true;
        this.#tasks.push({ ...this.#task(0), state: "failed", error });
        return;
      }
      const { item, weight } = held;
      if (this.#tasks.length > 0 && this.#weight + weight > this.#budget) {
        return;
      }
      this.#held = undefined;
      const task = this.#task(weight);
      this.#tasks.push(task);
      this.#weight += weight;
      task.settled = this.#do(task, item);
    }
  }

  #ask(): void {
    try {
      const next = this.#items.next();
      if (!("then" in next)) return this.#take(next);
      this.#asking = next.then(
        (next) => this.#take(next),
        (error) => this.#break(error),
      ).then(() => {
        this.#asking = undefined;
        this.#fill();
        this.#wake?.();
      });
    } catch (error) {
      this.#break(error);
    }
  }

  #take(next: IteratorResult<T>): void {
    if (next.done) this.#exhausted = true;
    else this.#held = { item: next.value, weight: undefined };
  }

  #break(error: unknown): void {
    this.#exhausted = true;
    this.#broken = { error };
  }

  #task(weight: number): Task<R> {
    return {
      weight,
      stop: new AbortController(),
      state: "busy",
      settled: Promise.resolve(),
      result: undefined!,
      error: undefined,
    };
  }

  async #do(task: Task<R>, item: T): Promise<void> {
    try {
      task.result = await this.#work(item, task.stop.signal);
      task.state = "done";
    } catch (error) {
      task.error = error;
      task.state = "failed";
      this.#over = true;
      const behind = this.#tasks.indexOf(task) + 1;
      for (const { stop } of this.#tasks.slice(behind)) stop.abort(error);
    }
    this.#wake?.();
  }
}
