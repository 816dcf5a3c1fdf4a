// Another process that takes locks as PBS does, through Python: it has both kinds, and knows nothing of this project.

const SCRIPT = `
import fcntl, sys, os
path, kind = sys.argv[1:3]
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
flags = (fcntl.LOCK_SH if kind.endswith("shared") else fcntl.LOCK_EX) | fcntl.LOCK_NB
try:
    # lockf() is F_SETLK, a record lock of the whole file.
    (fcntl.lockf if kind.startswith("record") else fcntl.flock)(fd, flags)
    print("held", flush=True)
except BlockingIOError:
    print("busy", flush=True)
    sys.exit()
sys.stdin.read()
`;

/** Kinds of locks: of a record (fcntl), as on a store's \`.lock\`; of a file (flock), as on groups, snapshots and manifests. */
export type LockKind =
  | "record shared"
  | "record exclusive"
  | "file shared"
  | "file exclusive";

/** A process that holds a lock until it is ended. */
export interface Holder extends AsyncDisposable {
  /** Whether it could get it. */
  readonly held: boolean;
}

/** Starts a process that takes a lock, without waiting for it. */
export async function holdLock(path: string, kind: LockKind): Promise<Holder> {
  const child = new Deno.Command("python3", {
    args: ["-c", SCRIPT, path, kind],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  let said = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    said += new TextDecoder().decode(value);
    if (said.includes("\n")) break;
  }
  const held = said.trim() === "held";
  if (!held && said.trim() !== "busy") throw new Error("Cannot take a lock");
  const end = async () => {
    await reader.cancel();
    await child.stdin.close().catch(() => {});
    await child.status;
  };
  if (!held) await end();
  return { held, [Symbol.asyncDispose]: held ? end : async () => {} };
}

/** Whether another process could get a lock right now. */
export async function couldLock(
  path: string,
  kind: LockKind,
): Promise<boolean> {
  await using holder = await holdLock(path, kind);
  return holder.held;
}
