// Other programs that read or write what we do: tests that need one say so where it is missing.
import { assertEquals } from "../support/assert.ts";
import { missing, type Need } from "../support/skip.ts";

type Tool = "tar" | "bsdtar" | "unzip" | "gzip" | "zstd";
const PACKAGES: Readonly<Record<Tool, string>> = {
  tar: "tar",
  bsdtar: "libarchive-tools",
  unzip: "unzip",
  gzip: "gzip",
  zstd: "zstd",
};

/** Runs a program to its end; fails where it does. */
export async function run(
  command: string,
  args: readonly string[],
  cwd?: string,
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    ...(cwd !== undefined && { cwd }),
    env: { TZ: "UTC", LC_ALL: "C.UTF-8" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  assertEquals(code, 0, `${command}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}

/** Registers a test; where a program or a right that it needs is missing it is ignored, and stderr says so. */
export function toolTest(
  name: string,
  needs: readonly (Tool | Need)[],
  fn: () => Promise<void>,
): void {
  const reasons = needs.map((need) =>
    isTool(need) ? lacks(need) : missing(need)
  )
    .filter((reason) => reason !== undefined);
  if (reasons.length > 0) {
    console.error(`SKIPPED: ${name}: ${[...new Set(reasons)].join("; ")}`);
  }
  Deno.test({ name, ignore: reasons.length > 0, fn });
}

function isTool(need: Tool | Need): need is Tool {
  return Object.hasOwn(PACKAGES, need);
}

function lacks(tool: Tool): string | undefined {
  const why = `it needs ${tool} (apt-get install ${PACKAGES[tool]})`;
  try {
    const flag = tool === "unzip" ? "-v" : "--version";
    const { success, stdout } = new Deno.Command(tool, { args: [flag] })
      .outputSync();
    // The tar of other systems is another program.
    const gnu = new TextDecoder().decode(stdout).includes("GNU");
    return success && (tool !== "tar" || gnu) ? undefined : why;
  } catch {
    return why;
  }
}
