// Installs with apt what the system tests need; `--proof` also what the emulated run needs. Nothing else in this project installs anything.

const TESTS = [
  "acl",
  "attr",
  "bash",
  "bsdutils",
  "btrfs-progs",
  "e2fsprogs",
  "fuse3",
  "gcc",
  "libc6-dev",
  "mount",
  "openssl",
  "procps",
  "python3",
  "strace",
  "tar",
  "util-linux",
  "xfsprogs",
  "zstd",
];
const PROOF = [
  "qemu-user-static",
  "libc6:arm64",
  "libgcc-s1:arm64",
  "libstdc++6:arm64",
];

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, code } = await new Deno.Command(command, {
    args,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
  }).spawn().status;
  if (!success) {
    throw new Error(
      `Cannot set up: ${command} ${args.join(" ")} ended with ${code}`,
    );
  }
}

async function found(command: string): Promise<boolean> {
  try {
    await new Deno.Command(command, {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).output();
    return true;
  } catch {
    return false;
  }
}

const unknown = Deno.args.filter((arg) => arg !== "--proof");
if (unknown.length > 0) {
  console.error(
    `Cannot set up: unknown option ${unknown[0]}, expected --proof or nothing`,
  );
  Deno.exit(2);
}
const proof = Deno.args.includes("--proof");
try {
  if (!await found("apt-get")) {
    throw new Error(
      "Cannot set up: this system has no apt-get; install the equivalents of " +
        TESTS.join(", "),
    );
  }
  if (Deno.uid() !== 0) throw new Error("Cannot set up: apt-get needs root");
  if (proof) await run("dpkg", "--add-architecture", "arm64");
  await run("apt-get", "-qq", "update");
  await run(
    "apt-get",
    "-qq",
    "install",
    "-y",
    "--no-install-recommends",
    ...TESTS,
    ...(proof ? PROOF : []),
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
