// What a walk gave, in words.
import type { Batches, Entry } from "@pxar/format/entry";
import { readTree, type ReadTreeOptions } from "@pxar/fs/read_tree";
import { Report } from "@pxar/fs/report";
import { gather } from "./entries.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Paths of the nodes of a tree from its root, in order; the root itself is left out, `directory/` for its end. */
export function pathsOf(entries: readonly Entry[], ends = false): string[] {
  const paths: string[] = [], open: string[] = [];
  for (const { kind, name } of entries) {
    if (kind === "prelude" || kind === "version") continue;
    if (kind === "end") {
      if (ends) paths.push(`${open.slice(1).join("/")}/`);
      open.pop();
      continue;
    }
    const path = [...open.slice(1), decoder.decode(name)].join("/");
    if (open.length > 0) paths.push(path);
    if (kind === "directory") open.push(decoder.decode(name));
  }
  return paths;
}

/** What reading a whole tree gave. */
export interface Walked {
  /** Entries with their contents in memory. */
  readonly entries: readonly Entry[];
  /** Paths, without the root. */
  readonly paths: readonly string[];
  /** What was reported. */
  readonly report: Report;
  /** The messages of that. */
  readonly messages: readonly string[];
}

/** Reads a whole tree. */
export async function walk(
  path: string | Uint8Array<ArrayBuffer>,
  options: ReadTreeOptions = {},
): Promise<Walked> {
  const report = new Report();
  return await walked(readTree(path, { ...options, report }), report);
}

/** Reads what is left of a walk. */
export async function walked(
  batches: Batches,
  report: Report,
): Promise<Walked> {
  const entries = await gather(batches);
  return {
    entries,
    paths: pathsOf(entries),
    report,
    messages: report.problems.map((problem) => problem.message),
  };
}

/** The entry at a path of a tree of one level. */
export function entryNamed(entries: readonly Entry[], name: string): Entry {
  const found = entries.find((entry) =>
    entry.kind !== "end" && decoder.decode(entry.name) === name
  );
  if (found === undefined) throw new Error(`Cannot find entry ${name}`);
  return found;
}

/** Makes a temporary directory for the time of `use`; `dir` says where. */
export async function withDirectory<T>(
  use: (path: string) => T | Promise<T>,
  dir?: string,
): Promise<T> {
  const path = await Deno.makeTempDir({
    prefix: "pxar-test-",
    ...(dir === undefined ? {} : { dir }),
  });
  try {
    return await use(path);
  } finally {
    await removeAll(path);
  }
}

/** Removes a directory, also one that holds some which their owner may not enter. */
async function removeAll(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    await new Deno.Command("chmod", { args: ["-R", "u+rwx", path] }).output();
    await Deno.remove(path, { recursive: true });
  }
}

/** Where a directory is in memory, if there is such a place. */
export function inMemory(): string | undefined {
  try {
    return Deno.statSync("/dev/shm").isDirectory ? "/dev/shm" : undefined;
  } catch {
    return undefined;
  }
}

/** How many descriptors of this process are of files below a path: tests of other files run in the same process. */
export function openDescriptors(path: string): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(path)) count++;
    } catch (error) {
      // Too long a path to be told; one that is gone was the listing's own.
      if (!(error instanceof Deno.errors.NotFound)) count++;
    }
  }
  return count;
}
