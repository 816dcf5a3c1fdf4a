/**
 * Backs a folder up into the default store, lists the snapshot, restores it elsewhere, and compares both trees by itself.
 *
 * ```sh
 * deno task try          # docs/
 * deno task try FOLDER   # --without-ffi: by Deno's own API
 * ```
 *
 * Of the store it touches only the group `host/pxar-try`, and it says where that is and how it is removed. A second run reads only files that have changed since the first.
 *
 * It ends with 0 if nothing differs but what this system, or an ordinary user, cannot keep; that is said.
 *
 * @module
 */

const MAIN = new URL("../cli/main.ts", import.meta.url).pathname;
const withoutFfi = Deno.args.includes("--without-ffi");
const folder = chosen(
  Deno.args.find((word) => !word.startsWith("-")) ??
    new URL("../docs", import.meta.url).pathname,
);
const root = Deno.build.os !== "windows" && Deno.uid() === 0;
const native = Deno.build.os === "linux" && !withoutFfi;

/** The group that snapshots go to: nobody else's. */
const ID = "pxar-try";
const GROUP = `host/${ID}`;
/** How many paths of the listing are shown. */
const SHOWN = 12;

/** Without what names another store: the default one is meant. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(Deno.env.toObject()).filter(([name]) =>
    !name.startsWith("PBS_REPOSITORY") && name !== "CREDENTIALS_DIRECTORY"
  ),
);

/** What can be seen of a path. */
interface Seen {
  readonly kind: string;
  readonly mode: number | undefined;
  readonly time: number | undefined;
  readonly size: number;
  readonly target: string | undefined;
}

/** Runs the program and shows the line that was run; what it says on standard error is shown as it comes. */
async function pxar(...args: string[]): Promise<{ code: number; out: string }> {
  console.log(`$ pxar ${args.join(" ")}`);
  const grants = withoutFfi
    ? ["--no-prompt", "--allow-read", "--allow-write", "--allow-env"]
    : ["-A"];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...grants, MAIN, ...args],
    clearEnv: true,
    env: ENVIRONMENT,
    stdin: "null",
    stderr: "inherit",
  }).output();
  return { code, out: new TextDecoder().decode(stdout) };
}

/** The folder that was named, without symlinks. */
function chosen(path: string): string {
  try {
    if (Deno.statSync(path).isDirectory) return Deno.realPathSync(path);
    console.error(`Cannot try ${path}: it is no folder`);
  } catch (error) {
    console.error(
      `Cannot try ${path}: ${error instanceof Error ? error.message : error}`,
    );
  }
  Deno.exit(2);
}

/** Everything in a folder, by path; symlinks are not followed. */
function look(top: string): Map<string, Seen> {
  const found = new Map<string, Seen>();
  const open = [""];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const seen = lookAt(`${top}${path}`);
    found.set(path === "" ? "/" : path, seen);
    if (seen.kind !== "directory") continue;
    try {
      for (const { name } of Deno.readDirSync(`${top}${path}`)) {
        open.push(`${path}/${name}`);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    }
  }
  return found;
}

function lookAt(path: string): Seen {
  try {
    const stat = Deno.lstatSync(path);
    const kind = stat.isFile
      ? "file"
      : stat.isDirectory
      ? "directory"
      : stat.isSymlink
      ? "symlink"
      : "node";
    return {
      kind,
      mode: stat.mode === null || stat.isSymlink
        ? undefined
        : stat.mode & 0o7777,
      time: stat.isSymlink && !native ? undefined : stat.mtime?.getTime(),
      size: stat.isFile ? stat.size : 0,
      target: stat.isSymlink ? Deno.readLinkSync(path) : undefined,
    };
  } catch {
    // A name that is not text: Deno's own API cannot look at it.
    return {
      kind: "beyond reach",
      mode: undefined,
      time: undefined,
      size: 0,
      target: undefined,
    };
  }
}

/** Whether two files hold the same bytes. */
function sameContent(a: string, b: string): boolean {
  using one = Deno.openSync(a);
  using other = Deno.openSync(b);
  const [left, right] = [new Uint8Array(1 << 16), new Uint8Array(1 << 16)];
  for (;;) {
    const got = fill(one, left);
    if (got !== fill(other, right)) return false;
    if (got === 0) return true;
    for (let i = 0; i < got; i++) if (left[i] !== right[i]) return false;
  }
}

function fill(file: Deno.FsFile, into: Uint8Array): number {
  let filled = 0;
  while (filled < into.length) {
    const got = file.readSync(into.subarray(filled));
    if (got === null || got === 0) break;
    filled += got;
  }
  return filled;
}

/** What differs between an original and its copy; `undefined` if nothing does. */
function difference(
  path: string,
  before: Seen,
  after: Seen,
  copy: string,
): string | undefined {
  for (const what of ["kind", "mode", "time", "size", "target"] as const) {
    if (before[what] !== after[what]) {
      return `${what} was ${before[what]}, is ${after[what]}`;
    }
  }
  if (
    before.kind === "file" && !sameContent(`${folder}${path}`, `${copy}${path}`)
  ) return "content differs";
  return undefined;
}

const work = await Deno.makeTempDir({ prefix: "pxar-try-" });
try {
  Deno.exitCode = await run();
} finally {
  try {
    await Deno.remove(work, { recursive: true });
    console.log(`${work} has been removed.`);
  } catch {
    console.log(
      `${work} cannot be removed: some of it is immutable or append-only, which chattr -R -ia takes away.`,
    );
  }
}

async function run(): Promise<number> {
  const copy = `${work}/copy`;
  const made = await pxar(
    "backup",
    `try.pxar:${folder}`,
    "--backup-id",
    ID,
    "--change-detection-mode",
    "metadata",
    "--crypt-mode",
    "none",
    "--json",
  );
  if (made.code !== 0 && made.code !== 3) return 1;
  // Not before: a store that was made just now may be in the folder.
  const before = look(folder);
  const { snapshot, store, warnings, bytesRead, bytesReused } = JSON.parse(
    made.out,
  );
  console.log(
    `  ${bytesRead} bytes read; ${bytesReused} bytes not, in files that have not changed`,
  );
  const snapshots = await pxar("snapshot", "list", GROUP);
  if (snapshots.code !== 0) return 1;
  console.log(snapshots.out.trimEnd());
  const listed = await pxar("list", `${snapshot}:try.pxar`, "--json");
  if (listed.code !== 0) return 1;
  const stored = new Set<string>(
    JSON.parse(listed.out).map((one: { path: string }) => one.path),
  );
  for (const path of [...stored].slice(0, SHOWN)) console.log(`  ${path}`);
  if (stored.size > SHOWN) console.log(`  … and ${stored.size - SHOWN} more`);
  // An ordinary user cannot give files away.
  const restored = await pxar(
    "restore",
    snapshot,
    "try.pxar",
    copy,
    ...(root ? [] : ["--ignore-ownership"]),
  );
  if (restored.code !== 0 && restored.code !== 3) return 1;

  const after = look(copy);
  const leftOut: string[] = [], lost: string[] = [], different: string[] = [];
  for (const [path, seen] of before) {
    const there = after.get(path);
    // A store does not hold itself.
    if (`${folder}${path}/`.startsWith(`${store}/`)) continue;
    if (seen.kind === "beyond reach") {
      lost.push(`${path}: its name is not text, it was not compared`);
    } else if (!stored.has(path)) leftOut.push(path);
    else if (there === undefined) {
      if (seen.kind === "node" && !(root && native)) {
        lost.push(`${path}: cannot be made here`);
      } else different.push(`${path}: missing`);
    } else {
      const what = difference(path, seen, there, copy);
      if (what !== undefined) different.push(`${path}: ${what}`);
    }
  }
  for (const path of after.keys()) {
    if (!before.has(path)) different.push(`${path}: came from nowhere`);
  }
  const excludes = [...before.keys()].some((path) =>
    path.endsWith("/.pxarexclude")
  );
  for (const path of leftOut) {
    if (excludes || warnings > 0) console.log(`left out by backup: ${path}`);
    else different.push(`${path}: not in the snapshot`);
  }
  for (const line of lost) console.log(`not kept: ${line}`);
  for (const line of different) console.log(`DIFFERENT ${line}`);
  console.log(
    `${folder}: ${stored.size} entries backed up and restored to ${copy}; names, kinds, contents, modes and times compared: ` +
      (different.length === 0
        ? "the same."
        : `${different.length} differences.`),
  );
  console.log(
    `${snapshot} stays in ${store} until you remove it:
  npx -y deno@${Deno.version.deno} task pxar group forget ${GROUP} --yes --repository ${store}
If nothing else is in that store, removing its folder removes it all.`,
  );
  return different.length === 0 ? 0 : 1;
}
