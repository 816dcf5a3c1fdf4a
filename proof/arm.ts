/**
 * The tests on an emulated aarch64: the same code, another processor's constants and calling convention.
 *
 * @module
 */
import { ROOT } from "../bench/program.ts";
import { type Figure, say } from "./figures.ts";

const QEMU = "/usr/bin/qemu-aarch64-static";
const PACKAGE = "@deno/linux-arm64-glibc@2.9.5";
const LIBRARIES = ["libc.so.6", "libgcc_s.so.1", "libstdc++.so.6"];
const FOLDERS = ["format", "codec", "transfer", "sys", "fs", "hostile", "cli"];
// qemu 7.2 does not know the call for project ids (FS_IOC_FSGETXATTR: ENOSYS).
const BEYOND_QEMU = ["quota on xfs"];
const BINFMT = "/proc/sys/fs/binfmt_misc";
const RULE = "pxar-proof-aarch64";
// The head of an ELF file for this processor, and which bits of it count.
const MAGIC = "\\x7fELF\\x02\\x01\\x01" + "\\x00".repeat(9) +
  "\\x02\\x00\\xb7\\x00";
const MASK = "\\xff".repeat(7) + "\\x00" + "\\xff".repeat(8) +
  "\\xfe\\xff\\xff\\xff";

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function run(
  command: string,
  args: string[],
  options: Deno.CommandOptions = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    ...options,
    args,
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(
    `Cannot run ${command} ${args[0]}: ${decoder.decode(stderr)}`,
  );
}

/** Says what is missing of what `deno task setup --proof` installs. */
function demandEmulator(): void {
  const missing = [
    ...(exists(QEMU) ? [] : [QEMU]),
    ...LIBRARIES.filter((name) =>
      !exists(`/lib/aarch64-linux-gnu/${name}`) &&
      !exists(`/usr/lib/aarch64-linux-gnu/${name}`)
    ),
  ];
  if (missing.length > 0) {
    throw new Error(
      `Cannot run arm: ${missing.join(", ")} missing, ` +
        "run `deno task setup --proof`",
    );
  }
}

/** The folder of the foreign Deno, fetched from npm's registry at first use. */
async function foreignDeno(): Promise<string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ??
    (Deno.uid() === 0 ? "/var/cache" : `${Deno.env.get("HOME")}/.cache`);
  const folder = `${cache}/pxar-proof/${PACKAGE.replaceAll("/", "-")}`;
  if (!exists(`${folder}/package/deno`)) {
    say(`fetching ${PACKAGE}`);
    Deno.mkdirSync(folder, { recursive: true });
    const packed = await run("npm", ["pack", "--silent", PACKAGE], {
      cwd: folder,
    });
    await run("tar", ["-xzf", packed.trim()], { cwd: folder });
    Deno.removeSync(`${folder}/${packed.trim()}`);
  }
  return folder;
}

/** While it lives, the kernel starts programs for aarch64 by itself; tests that start Deno again need that. */
class Foreign implements AsyncDisposable {
  readonly #mounted: boolean;

  private constructor(mounted: boolean) {
    this.#mounted = mounted;
  }

  static async enable(): Promise<Foreign> {
    const mounted = !exists(`${BINFMT}/register`);
    if (mounted) await run("mount", ["-t", "binfmt_misc", "none", BINFMT]);
    const foreign = new Foreign(mounted);
    if (!exists(`${BINFMT}/qemu-aarch64`) && !exists(`${BINFMT}/${RULE}`)) {
      const rule = `:${RULE}:M::${MAGIC}:${MASK}:${QEMU}:F`;
      Deno.writeTextFileSync(`${BINFMT}/register`, rule);
    }
    return foreign;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (exists(`${BINFMT}/${RULE}`)) {
      Deno.writeTextFileSync(`${BINFMT}/${RULE}`, "-1");
    }
    if (this.#mounted) await run("umount", [BINFMT]);
  }
}

/** Runs one folder of tests, shows what they say, and reads their counts. */
async function testFolder(folder: string, name: string): Promise<Figure> {
  say(`tests/${name}`);
  const start = Date.now();
  const child = new Deno.Command(QEMU, {
    args: [
      `${folder}/package/deno`,
      "test",
      "-A",
      "--no-check",
      "--no-lock",
      `tests/${name}`,
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1", DENO_DIR: `${folder}/deno_dir` },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let said = "";
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    await Deno.stderr.write(new TextEncoder().encode(piece));
    said += piece;
  }
  await child.status;
  const counts = /^(?:ok|FAILED) \| (.*) \(.*\)$/m.exec(said)?.[1] ??
    "no counts";
  const minutes = ((Date.now() - start) / 60_000).toFixed(1);
  const failed = said.slice(said.lastIndexOf("\n FAILURES \n")).split("\n")
    .filter((line) => / => \.\/tests\/.*:\d+:\d+$/.test(line));
  const beyond = failed.filter((line) =>
    BEYOND_QEMU.some((text) => line.includes(text))
  );
  const note = beyond.length > 0 ? `, ${beyond.length} beyond qemu` : "";
  return {
    what: `aarch64: tests/${name}`,
    value: `${counts}${note} (${minutes} min)`,
    goal: "0 failed",
    reached: counts.includes(`| ${beyond.length} failed`),
  };
}

/** Runs the tests of the named folders, or of all. */
export async function arm(names: readonly string[]): Promise<Figure[]> {
  demandEmulator();
  if (Deno.uid() !== 0) throw new Error("Cannot run arm: it needs root");
  const folder = await foreignDeno();
  await using _foreign = await Foreign.enable();
  const build = await run(QEMU, [
    `${folder}/package/deno`,
    "eval",
    "console.log(Deno.build.target, Deno.version.deno)",
  ]);
  say(build.trim());
  const figures: Figure[] = [];
  const wanted = names.length > 0 ? names : FOLDERS;
  for (const name of wanted) figures.push(await testFolder(folder, name));
  return figures;
}
