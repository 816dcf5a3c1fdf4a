// Installs with apt what the system tests need; `--proof` also what proofs need, `--bench` what backups are measured against. Nothing else in this project installs anything.

const TESTS = [
  "acl",
  "attr",
  "bash",
  "bsdutils",
  "btrfs-progs",
  "e2fsprogs",
  "fuse3",
  "gcc",
  "libarchive-tools",
  "libc6-dev",
  "mount",
  "openssl",
  "procps",
  "python3",
  "strace",
  "tar",
  "unzip",
  "util-linux",
  "xfsprogs",
  "zstd",
];
const PROOF = [
  "libc6:arm64",
  "libgcc-s1:arm64",
  "libstdc++6:arm64",
  "qemu-user-static",
  "rsync",
];
const BENCH = ["borgbackup", "casync", "restic"];

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

const unknown = Deno.args.find((arg) => !["--proof", "--bench"].includes(arg));
if (unknown !== undefined) {
  console.error(
    `Cannot set up: unknown option ${unknown}, expected --proof, --bench or nothing`,
  );
  Deno.exit(2);
}
const proof = Deno.args.includes("--proof");
const bench = Deno.args.includes("--bench");
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
    ...(bench ? BENCH : []),
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
