// The name of what this process does, as PBS names tasks.
import { nodeModule } from "@pxar/chunk/builtin";
import type { AuthId } from "./auth_id.ts";
import type { Upid } from "./upid.ts";

/** What a machine is called whose name is not known. */
const NO_NAME = "localhost";

let tasks = 0;

/**
 * Names a task of this process.
 *
 * @param workerType What it does, such as `verify_snapshot`.
 * @param workerId What it does it to.
 * @param authId Who wants it.
 * @param startTime When it began, seconds since 1970.
 */
export function thisTask(
  workerType: string,
  workerId: string | undefined,
  authId: AuthId,
  startTime: number,
): Upid {
  const { process } = globalThis as { process?: { pid?: number } };
  const node = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?/.exec(hostName());
  return {
    node: node?.[0] ?? NO_NAME,
    pid: (process?.pid ?? 0) & 0x7fff_ffff,
    // When the process began is known to few systems, and to nobody who reads this.
    pstart: 0,
    taskId: tasks++,
    startTime,
    workerType,
    workerId,
    authId,
  };
}

function hostName(): string {
  try {
    return nodeModule("node:os")?.hostname() ?? NO_NAME;
  } catch {
    // Not permitted here.
    return NO_NAME;
  }
}
