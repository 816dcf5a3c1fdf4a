/**
 * What a signal does to long work.
 *
 * @module
 */
import { Interrupted } from "./exits.ts";

/**
 * Does work that Ctrl-C, SIGTERM and SIGHUP end in order: the first one aborts `signal`, a second one ends the program at once.
 *
 * @param work What is done.
 * @param lastly What a second signal leaves to be done: synchronous.
 * @returns What the work returns.
 */
export async function interruptible<T>(
  work: (control: AbortController) => Promise<T>,
  lastly: () => void = () => {},
): Promise<T> {
  const control = new AbortController();
  const removers = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) => {
    const listener = () => {
      const reason = new Interrupted(name);
      if (!control.signal.aborted) return control.abort(reason);
      lastly();
      Deno.exit(reason.exit);
    };
    if (name === "SIGHUP" && !hangsUp()) return () => {};
    try {
      Deno.addSignalListener(name, listener);
    } catch {
      return () => {}; // Windows has not all of them.
    }
    return () => Deno.removeSignalListener(name, listener);
  });
  try {
    return await work(control);
  } catch (error) {
    // Whatever the abort broke on its way out, the reason for it is what counts.
    throw control.signal.aborted ? control.signal.reason : error;
  } finally {
    for (const remove of removers) remove();
  }
}

/** Whether a closed terminal ends the program: not under `nohup`, and not where that cannot be told. */
function hangsUp(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(
      Deno.readTextFileSync("/proc/self/status"),
    )?.[1];
    return ignored !== undefined && (BigInt(`0x${ignored}`) & 1n) === 0n;
  } catch {
    return false;
  }
}
