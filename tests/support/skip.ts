// Tests that need more of a machine than Deno itself: registered everywhere, run where everything is there, and loud about it where it is not.

const TOOLS: {
  readonly [need: string]: { readonly command: string; readonly from: string };
} = {
  "mkfs.ext4": { command: "mkfs.ext4", from: "e2fsprogs" },
  "mkfs.xfs": { command: "mkfs.xfs", from: "xfsprogs" },
  "mkfs.btrfs": { command: "mkfs.btrfs", from: "btrfs-progs" },
  attr: { command: "getfattr", from: "attr" },
  acl: { command: "getfacl", from: "acl" },
  python3: { command: "python3", from: "python3" },
  gcc: { command: "gcc", from: "gcc" },
  script: { command: "script", from: "bsdutils" },
  setpriv: { command: "setpriv", from: "util-linux" },
};

/** What a test may need: a tool, or the right to do something. */
export type Need =
  | "linux"
  | "unix"
  | "root"
  | "loop"
  | "mount"
  | "mkfs.ext4"
  | "mkfs.xfs"
  | "mkfs.btrfs"
  | "attr"
  | "acl"
  | "python3"
  | "gcc"
  | "script"
  | "setpriv";

const known = new Map<Need, string | undefined>();

/** Why a need is not met; `undefined` where it is. */
export function missing(need: Need): string | undefined {
  if (!known.has(need)) known.set(need, find(need));
  return known.get(need);
}

function find(need: Need): string | undefined {
  if (need === "linux") {
    return Deno.build.os === "linux" ? undefined : "it needs Linux";
  }
  if (need === "unix") {
    return Deno.build.os === "windows" ? "it needs signals" : undefined;
  }
  if (Deno.build.os !== "linux") return "it needs Linux";
  if (need === "root") {
    return Deno.uid() === 0 ? undefined : "it needs root";
  }
  if (need === "mount") {
    return missing("root") ??
      (canMount() ? undefined : "it needs the right to mount (CAP_SYS_ADMIN)");
  }
  if (need === "loop") {
    return missing("mount") ??
      (succeeds("losetup", "--find")
        ? undefined
        : "it needs a free loop device (losetup --find)");
  }
  if (need === "gcc" && succeeds("gcc", "--version")) {
    // Under an emulator, the compiler may be another processor's.
    const machine = new TextDecoder().decode(
      new Deno.Command("gcc", { args: ["-dumpmachine"] }).outputSync().stdout,
    );
    return machine.startsWith(Deno.build.arch)
      ? undefined
      : `it needs a gcc for ${Deno.build.arch}, not for ${machine.trim()}`;
  }
  const { command, from } = TOOLS[need]!;
  const found = succeeds(
    "sh",
    "-c",
    `PATH=$PATH:/usr/sbin:/sbin command -v ${command}`,
  );
  return found ? undefined : `it needs ${command} of the package ${from}`;
}

function canMount(): boolean {
  const directory = Deno.makeTempDirSync({ prefix: "pxar-mount-" });
  try {
    return succeeds("mount", "-t", "tmpfs", "none", directory) &&
      succeeds("umount", directory);
  } finally {
    Deno.removeSync(directory);
  }
}

function succeeds(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** Registers a test; where something that it needs is missing it is ignored, and stderr says why. */
export function systemTest(
  name: string,
  needs: readonly Need[],
  fn: (context: Deno.TestContext) => void | Promise<void>,
): void {
  const reasons = needs.map(missing).filter((reason) => reason !== undefined);
  if (reasons.length > 0) {
    console.error(
      `SKIPPED: ${name}: ${
        [...new Set(reasons)].join("; ")
      } (deno task setup installs what there is to install)`,
    );
  }
  Deno.test({ name, ignore: reasons.length > 0, fn });
}
