// What the threads of the crew tests do.
import type { Serve } from "@pxar/chunk/crew";
import {
  BusyError,
  FormatError,
  IntegrityError,
  KeyError,
  NotFoundError,
  PxarError,
  SystemError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";

/** What a thread is told first. */
export interface Setup {
  readonly factor: number;
  /** Only this thread, if any, can be set up; `worker` for one of the others. */
  readonly fails?: "everywhere" | "in threads";
}

/** What is asked. */
export type Request =
  | { readonly op: "times"; readonly value: number; readonly millis?: number }
  | {
    readonly op: "fill";
    readonly memory: ArrayBuffer;
    readonly at: number;
    readonly value: number;
  }
  | { readonly op: "throw"; readonly name: string }
  | { readonly op: "remember"; readonly value: number }
  | { readonly op: "recall" }
  | { readonly op: "die" };

/** What is answered. */
export interface Answer {
  readonly value?: number;
  /** How many requests this thread was at when it began with this one. */
  readonly busy?: number;
  /** Names the thread. */
  readonly thread: string;
}

/** One of each class. */
export const ERRORS: Readonly<Record<string, () => Error>> = {
  PxarError: () => new PxarError("p"),
  FormatError: () => new FormatError("f", { offset: 7 }),
  TruncatedError: () => new TruncatedError("t", { offset: 8 }),
  UnsupportedError: () => new UnsupportedError("u", { offset: 9 }),
  IntegrityError: () => new IntegrityError("i", { expected: "a", actual: "b" }),
  KeyError: () => new KeyError("k"),
  NotFoundError: () => new NotFoundError("n"),
  BusyError: () => new BusyError("b"),
  SystemError: () =>
    new SystemError("s", {
      code: "ENOSPC",
      errno: 28,
      call: "write",
      path: "/x",
    }),
  RangeError: () => new RangeError("r"),
  TypeError: () => new TypeError("y"),
  Error: () => new Error("e"),
};

/** Whether this is one of the threads, not the one that runs the tests. */
export function isThread(): boolean {
  return "WorkerGlobalScope" in globalThis &&
    self instanceof
      (globalThis as unknown as { WorkerGlobalScope: typeof Object })
        .WorkerGlobalScope;
}

/** Makes what serves. */
export async function open(setup: Setup): Promise<Serve<Request, Answer>> {
  await Promise.resolve();
  if (
    setup.fails === "everywhere" || setup.fails === "in threads" && isThread()
  ) {
    throw new NotFoundError("no setup");
  }
  const thread = crypto.randomUUID();
  let busy = 0, memory = 0;
  return async (request) => {
    switch (request.op) {
      case "times": {
        const before = busy++;
        await new Promise((resolve) =>
          setTimeout(resolve, request.millis ?? 0)
        );
        busy--;
        return { value: request.value * setup.factor, busy: before, thread };
      }
      case "fill":
        new Uint8Array(request.memory)[request.at] = request.value;
        return { thread };
      case "throw":
        throw ERRORS[request.name]!();
      case "remember":
        memory += request.value;
        return { thread };
      case "recall":
        return { value: memory, thread };
      case "die":
        // Nobody catches this: the thread is over.
        setTimeout(() => {
          throw new Error("I die");
        });
        await new Promise((resolve) => setTimeout(resolve, 10_000));
        return { thread };
    }
  };
}
