// Extracts an archive as an ordinary user: `deno run -A as_nobody.ts ARCHIVE TARGET`, started as root, which it gives up once it is loaded.
import { decode } from "@pxar/codec/decode";
import { writeTree } from "@pxar/fs/write_tree";

/** Who everybody is who is nobody else. */
export const NOBODY = 65534;

/** What extracting said. */
export interface Told {
  readonly entries: number;
  readonly errors: readonly string[];
  readonly warnings: number;
  readonly losses: Readonly<Record<string, number>>;
}

if (import.meta.main) {
  const [archive, target, native] = Deno.args;
  const bytes = Deno.readFileSync(archive!);
  // The C library changes all threads at once.
  const { symbols } = Deno.dlopen("libc.so.6", {
    setgroups: { parameters: ["usize", "buffer"], result: "i32" },
    setresgid: { parameters: ["u32", "u32", "u32"], result: "i32" },
    setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  });
  const failed = symbols.setgroups(0n, null) |
    symbols.setresgid(NOBODY, NOBODY, NOBODY) |
    symbols.setresuid(NOBODY, NOBODY, NOBODY);
  if (failed !== 0) throw new Error("Cannot become nobody");
  const report = await writeTree(target!, decode(bytes), {
    native: native !== "portable",
  });
  const told: Told = {
    entries: report.entries,
    errors: report.problems.filter(({ severity }) => severity === "error")
      .map(({ message }) => message),
    warnings: report.warnings,
    losses: Object.fromEntries(report.losses),
  };
  console.log(JSON.stringify(told));
}
