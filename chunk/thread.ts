// One thread: a web worker where there are such, Node's own kind in Node. The only place that starts one, since a bundle has to put its own files here.
import { nodeModule } from "./builtin.ts";

/** A thread that was started. */
export interface Thread {
  /** Sends it a message, which it answers once: a program is not over before. */
  post(message: unknown): void;
  /** Ends it at once. */
  end(): void;
}

/**
 * Starts a thread.
 *
 * @param module The file it runs.
 * @param hear Takes its messages.
 * @param fail Told when it has failed as a whole.
 * @returns The thread; `undefined` where there are none.
 */
export function startThread(
  module: URL,
  hear: (message: unknown) => void,
  fail: (reason: string) => void,
): Thread | undefined {
  try {
    if (typeof Worker === "function") {
      const worker = new Worker(module, { type: "module" });
      worker.onmessage = (event) => hear(event.data);
      worker.onerror = (event) => {
        event.preventDefault();
        fail(event.message);
      };
      return {
        post: (message) => worker.postMessage(message),
        end: () => worker.terminate(),
      };
    }
    const threads = nodeModule("node:worker_threads");
    if (threads === undefined) return undefined;
    const worker = new threads.Worker(module);
    let open = 0;
    worker.on("message", (message) => {
      if (--open === 0) worker.unref();
      hear(message);
    });
    worker.on("error", (error: Error) => fail(error.message));
    worker.on("exit", () => fail("it ended"));
    // A program that is done need not wait for it, one that waits for an answer must.
    worker.unref();
    return {
      post: (message) => {
        if (open++ === 0) worker.ref();
        worker.postMessage(message);
      },
      end: () => void worker.terminate(),
    };
  } catch {
    // Not permitted here: the work is done without.
    return undefined;
  }
}

/**
 * The other end: what the file of a thread calls.
 *
 * @param take Takes the messages, and may answer.
 */
export function onMessage(
  take: (message: unknown, answer: (message: unknown) => void) => void,
): void {
  const here = globalThis as unknown as {
    onmessage?: ((event: { data: unknown }) => void) | null;
    postMessage?: (message: unknown) => void;
  };
  if (typeof here.postMessage === "function") {
    const answer = here.postMessage.bind(here);
    here.onmessage = ({ data }) => take(data, answer);
    return;
  }
  const port = nodeModule("node:worker_threads")?.parentPort;
  port?.on(
    "message",
    (message) => take(message, (said) => port.postMessage(said)),
  );
}
