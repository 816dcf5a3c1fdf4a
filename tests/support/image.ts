// File systems in files, mounted by a loop device, for trees that need what the disk of the test machine may not have.
import type { Need } from "./skip.ts";
import { VECTORS } from "./vectors.ts";

/** Kinds of file systems; `ext4-ea` keeps extended attributes of any size in inodes of their own. */
export type ImageKind = "ext4" | "ext4-ea" | "xfs" | "btrfs";

const IMAGES: {
  readonly [Kind in ImageKind]: {
    readonly need: Need;
    readonly size: number;
    readonly make: readonly string[];
  };
} = {
  ext4: {
    need: "mkfs.ext4",
    size: 64,
    make: ["mkfs.ext4", "-q", "-b", "4096", "-I", "256"],
  },
  "ext4-ea": {
    need: "mkfs.ext4",
    size: 64,
    make: ["mkfs.ext4", "-q", "-b", "4096", "-I", "256", "-O", "ea_inode"],
  },
  xfs: { need: "mkfs.xfs", size: 320, make: ["mkfs.xfs", "-q"] },
  btrfs: { need: "mkfs.btrfs", size: 128, make: ["mkfs.btrfs", "-q"] },
};

/** What a test with such an image needs. */
export function imageNeeds(kind: ImageKind): readonly Need[] {
  return ["linux", "root", "mount", "loop", IMAGES[kind].need];
}

/** Runs a program; an error with what it said if it fails. */
export async function run(command: string, ...args: string[]): Promise<string> {
  const decoder = new TextDecoder();
  const path = `${Deno.env.get("PATH")}:/usr/sbin:/sbin`;
  const { success, stdout, stderr } = await new Deno.Command("env", {
    args: [`PATH=${path}`, command, ...args],
  }).output();
  if (!success) {
    throw new Error(
      `Cannot run ${command} ${args.join(" ")}: ${
        decoder.decode(stderr).trim()
      }`,
    );
  }
  return decoder.decode(stdout);
}

/** Makes a file system, mounts it, and gives its path to `use`; takes all of it away again, whatever happens. */
export async function withImage<T>(
  kind: ImageKind,
  use: (path: string) => T | Promise<T>,
): Promise<T> {
  const { size, make } = IMAGES[kind];
  const home = await Deno.makeTempDir({ prefix: `pxar-${kind}-` });
  try {
    const image = `${home}/image`, path = `${home}/mount`;
    await Deno.mkdir(path);
    await run("truncate", "-s", `${size}M`, image);
    await run(make[0]!, ...make.slice(1), image);
    return await mounted(["-o", "loop", image], path, use);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** Mounts something at `path` while `use` runs. */
export async function mounted<T>(
  args: readonly string[],
  path: string,
  use: (path: string) => T | Promise<T>,
): Promise<T> {
  await run("mount", ...args, path);
  try {
    return await use(path);
  } finally {
    try {
      await run("umount", path);
    } catch {
      // Busy: it goes when whoever has it lets go of it.
      await run("umount", "--lazy", path);
    }
  }
}

/** Builds a golden tree in `path`, which must not be there; `use` may read it, then it is made fit to be deleted. */
export async function withTree<T>(
  name: string,
  path: string,
  use: (path: string) => T | Promise<T>,
): Promise<T> {
  const script = new URL("make_trees.py", VECTORS).pathname;
  await run("python3", script, name, path);
  try {
    return await use(path);
  } finally {
    await run("python3", script, "--unlock", path);
  }
}
