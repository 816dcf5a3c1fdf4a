/**
 * Which files of a tree a program reads, asked of the kernel: every call that can bring a file's bytes in, of all threads and children.
 *
 * @module
 */
import { PXAR } from "../bench/program.ts";

/** Calls that bring bytes of a file in, or make the kernel fetch them. */
const READS = [
  "read",
  "pread64",
  "readv",
  "preadv",
  "preadv2",
  "mmap",
  "readahead",
  "fadvise64",
  "sendfile",
  "copy_file_range",
  "splice",
] as const;
/** Reads that are asked for here are not seen as calls. */
const UNSEEN = "io_uring_setup";

/** What was seen. */
export interface Trace {
  /** What the program wrote to standard output. */
  readonly stdout: string;
  /** Paths below the tree that were opened. */
  readonly opened: ReadonlySet<string>;
  /** Paths below the tree that were read or fetched, and how many bytes came in. */
  readonly read: ReadonlyMap<string, number>;
  /** How often each call was made on files of the tree. */
  readonly calls: Readonly<Record<string, number>>;
}

/**
 * Runs our program and watches it.
 *
 * @param args Its arguments.
 * @param tree What files matter: those below, by their plain ASCII names.
 * @param log A file to be made.
 * @throws {Error} If the program fails, or reads in a way that cannot be seen.
 */
export async function traced(
  args: readonly string[],
  tree: string,
  log: string,
): Promise<Trace> {
  const { success, stdout, stderr } = await new Deno.Command("strace", {
    args: [
      ...["-f", "--seccomp-bpf", "-y", "-qq", "-s", "0", "-o", log],
      ...["-e", `trace=${[...READS, UNSEEN, "openat"].join(",")}`],
      ...PXAR,
      ...args,
    ],
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr));
  return { stdout: text.decode(stdout), ...await parse(log, tree) };
}

/** With `-y` a descriptor comes with what it stands for at that moment, whichever thread opened it: `17 read(25</tree/d0/f1>, …, 4096) = 1234`. */
async function parse(
  log: string,
  tree: string,
): Promise<Omit<Trace, "stdout">> {
  const opened = new Set<string>(), read = new Map<string, number>();
  const calls: Record<string, number> = {};
  /** What a thread is at where another one came between: `<unfinished ...>` and, later, `<... read resumed>`. */
  const begun = new Map<string, string>();
  const below = new RegExp(`<(${RegExp.escape(tree)}/[^>]+)>`);
  const file = await Deno.open(log);
  const lines = file.readable.pipeThrough(new TextDecoderStream());
  for await (let line of split(lines)) {
    const thread = /^\d+/.exec(line)![0];
    if (line.endsWith("<unfinished ...>")) {
      begun.set(thread, line.slice(0, -"<unfinished ...>".length));
      continue;
    }
    const rest = /^\d+ +<\.\.\. \w+ resumed>(.*)$/.exec(line);
    if (rest !== null) line = (begun.get(thread) ?? "") + rest[1];
    const call = /^\d+ +(\w+)\(/.exec(line)?.[1];
    if (call === UNSEEN) {
      throw new Error("Cannot watch what is read: it goes through io_uring");
    }
    if (call === undefined) continue;
    const result = /\) += (-?\d+)(.*)$/.exec(line);
    if (call === "openat") {
      const path = below.exec(result?.[2] ?? "")?.[1];
      if (path !== undefined) opened.add(path);
      continue;
    }
    const path = below.exec(line)?.[1];
    if (path === undefined) continue;
    calls[call] = (calls[call] ?? 0) + 1;
    const isCount = call !== "mmap" && call !== "fadvise64";
    const got = isCount ? Math.max(0, Number(result?.[1] ?? 0)) : 0;
    read.set(path, (read.get(path) ?? 0) + got);
  }
  return { opened, read, calls };
}

async function* split(
  pieces: AsyncIterable<string>,
): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const piece of pieces) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
