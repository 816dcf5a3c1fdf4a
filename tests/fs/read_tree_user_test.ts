// As an ordinary user, and with permission for nothing but the C library and the tree: in a process of its own.
import { assertEquals } from "../support/assert.ts";
import { openLibc } from "@pxar/sys/libc";
import { run } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { withDirectory } from "../support/walks.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const CHILD =
  new URL("../support/read_tree_child.ts", import.meta.url).pathname;

interface Seen {
  readonly native: boolean;
  readonly paths: readonly string[];
  readonly messages: readonly string[];
  readonly errors: number;
  readonly losses: { readonly [loss: string]: number };
}

/** Bundled, because an ordinary user may not read the project or the cache. */
async function bundled(directory: string): Promise<string> {
  const out = `${directory}/child.js`;
  await run(
    "env",
    "-C",
    ROOT,
    Deno.execPath(),
    "bundle",
    "--quiet",
    "--platform=deno",
    "--output",
    out,
    CHILD,
  );
  return out;
}

async function child(
  script: string,
  flags: readonly string[],
  path: string,
  user: boolean,
): Promise<Seen> {
  const deno = [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--no-config",
    "--no-lock",
    ...flags,
    script,
    path,
  ];
  const command = user
    ? [
      "setpriv",
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      "env",
      "DENO_NO_UPDATE_CHECK=1",
      `HOME=${path}/../home`,
      `DENO_DIR=${path}/../home`,
      ...deno,
    ]
    : deno;
  return JSON.parse(await run(command[0]!, ...command.slice(1)));
}

function library(): string {
  const arch = Deno.build.arch;
  for (
    const path of [
      `/usr/lib/${arch}-linux-gnu/libc.so.6`,
      `/lib/${arch}-linux-gnu/libc.so.6`,
      "/usr/lib64/libc.so.6",
      "/lib64/libc.so.6",
    ]
  ) {
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch {
      // Elsewhere.
    }
  }
  throw new Error("Cannot find the C library");
}

async function prepare(home: string): Promise<string> {
  const path = `${home}/tree`;
  await Deno.mkdir(path);
  await Deno.mkdir(`${home}/home`, { mode: 0o777 });
  await Deno.chmod(`${home}/home`, 0o777);
  await Deno.chmod(home, 0o755);
  await Deno.writeTextFile(`${path}/roots`, "readable by all", { mode: 0o644 });
  await Deno.writeTextFile(`${path}/denied`, "of root alone", { mode: 0o600 });
  await Deno.writeTextFile(`${path}/own`, "of nobody");
  await Deno.chown(`${path}/own`, 65534, 65534);
  await Deno.mkdir(`${path}/closed`, { mode: 0o700 });
  await Deno.writeTextFile(`${path}/closed/inner`, "");
  await Deno.mkdir(`${path}/no-names`, { mode: 0o711 });
  await Deno.mkdir(`${path}/patterns`);
  await Deno.writeTextFile(`${path}/patterns/.pxarexclude`, "x", {
    mode: 0o600,
  });
  await Deno.writeTextFile(`${path}/patterns/x`, "");
  return path;
}

for (
  const [flags, native] of [[[
    `--allow-ffi=${Deno.build.os === "linux" ? library() : ""}`,
  ], true], [["--allow-read"], false]] as const
) {
  const how = native
    ? "with --allow-ffi for the C library alone"
    : "without --allow-ffi";
  systemTest(
    `readTree() ${how} reads as an ordinary user what that user may, and warns of the rest`,
    ["linux", "root", "setpriv"],
    () =>
      withDirectory(async (home) => {
        if (openLibc() === undefined) return;
        const path = await prepare(home), script = await bundled(home);
        const seen = await child(
          script,
          native ? [...flags, `--allow-read=${script}`] : flags,
          path,
          true,
        );
        assertEquals(seen.native, native);
        assertEquals(
          seen.paths,
          ["own", "patterns", "patterns/.pxarexclude", "patterns/x", "roots"]
            .filter((one) => one !== "patterns/.pxarexclude"),
        );
        assertEquals(seen.errors, 0);
        const denied = native
          ? "permission denied"
          : "Permission denied (os error 13)";
        const left = seen.messages.map((message) =>
          message.replace(/: (lstat|open|opendir|stat) '.*'/, "").replace(
            / \(os error 13\)/,
            "",
          ).toLowerCase()
        );
        assertEquals(left.length, 5, `${denied}: ${left.join("\n")}`);
        assertEquals(
          left.filter((message) => message.includes("permission denied"))
            .length,
          5,
          left.join("\n"),
        );
      }),
  );
}

systemTest("readTree() asks for nothing where it may not use the C library", [
  "linux",
], () =>
  withDirectory(async (home) => {
    const path = `${home}/tree`, script = await bundled(home);
    await Deno.mkdir(path);
    await Deno.writeTextFile(`${path}/file`, "text");
    const seen = await child(script, [`--allow-read=${home}`], path, false);
    assertEquals([seen.native, seen.paths, seen.errors], [false, ["file"], 0]);
    assertEquals(seen.losses, { nanoseconds: 2, xattrs: 2, flags: 2 });
  }));
