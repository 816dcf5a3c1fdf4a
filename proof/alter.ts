/**
 * A tree that changes as trees of users do, the same way each time.
 *
 * @module
 */

/** What only libc can keep. */
const SPECIAL = `
mkfifo fifo; mknod null c 1 3; mknod loop b 7 0
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
printf x > plain; ln plain link; ln -s nowhere symlink; ln -s ../plain up
mkdir "$(printf 'caf\\351')"; printf y > "$(printf 'caf\\351/\\377')"; printf z > "$(printf 'new\\nline')"
printf a > attributes; setfattr -n user.colour -v red attributes; setfacl -m u:1234:r,g:99:rw attributes
mkdir inherits; setfacl -d -m u:1234:rwx inherits; chmod 2775 inherits
cp /bin/true tool; setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 tool; chmod 4755 plain
truncate -s 20M sparse; printf end >> sparse; touch -d '1969-12-31 23:59:58.25' old; touch -d 2199-01-01 late
chown -h 4000:4001 symlink; chmod 0 attributes; : > empty
`;

/**
 * Makes the tree: a copy of another, and beside it one of each kind of node.
 *
 * @param path A directory to be made.
 * @param special Whether to make what only libc can keep.
 */
export async function makeAlterable(
  path: string,
  special: boolean,
): Promise<void> {
  await shell(`mkdir ${path} && cp -a /etc ${path}/etc`);
  // Dangling and absolute links stay what they are.
  await shell(`cp -a /usr/share/doc ${path}/doc`);
  if (special) await shell(`mkdir ${path}/special`);
  if (special) await shell(`cd ${path}/special && ${SPECIAL}`);
}

/**
 * Changes some of the files: each may grow, shrink, get another content or time or mode, go, move or get a second name. Directories come, go and move.
 *
 * @param step Which change it is, 0 or more; others touch others.
 */
export async function alter(path: string, step: number): Promise<void> {
  const files: string[] = [], directories: string[] = [];
  const walk = (at: string): void => {
    const entries = [...Deno.readDirSync(at)];
    for (const one of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
      const below = `${at}/${one.name}`;
      if (one.isDirectory) {
        directories.push(below);
        walk(below);
      } else if (one.isFile) files.push(below);
    }
  };
  for (const name of ["doc", "etc"]) walk(`${path}/${name}`);
  for (const [i, file] of files.entries()) {
    // A hundred of a thousand, in a row now and then.
    const dice = (Math.floor(i / 3) * 7919 + step * 104_729) % 1000;
    if (dice < CHANGES.length * 10) CHANGES[dice % CHANGES.length]!(file, step);
  }
  const leaves = directories.filter((one) =>
    [...Deno.readDirSync(one)].every((below) => !below.isDirectory)
  );
  Deno.renameSync(leaves[37 + step]!, `${path}/moved-${step}`);
  Deno.removeSync(leaves[74 + step]!, { recursive: true });
  const added = `${path}/added-${step}`;
  Deno.mkdirSync(added);
  for (let i = 0; i < 50; i++) {
    Deno.writeTextFileSync(`${added}/f${i}`, `${step} ${i}\n`.repeat(i * i));
  }
}

type Change = (file: string, step: number) => void;
const CHANGES: readonly Change[] = [
  (file, step) =>
    Deno.writeTextFileSync(file, `more ${step}\n`, { append: true }),
  (file) => Deno.truncateSync(file, Deno.statSync(file).size >> 1),
  (file, step) => {
    const bytes = Deno.readFileSync(file);
    for (const [i, byte] of bytes.entries()) bytes[i] = byte ^ (step + 1);
    Deno.writeFileSync(file, bytes);
  },
  (file, step) => Deno.utimeSync(file, step, 1_600_000_000 + step),
  (file, step) => Deno.chmodSync(file, 0o600 + step),
  (file) => Deno.removeSync(file),
  (file, step) => Deno.renameSync(file, `${file}.${step}`),
  (file, step) => Deno.linkSync(file, `${file}.link.${step}`),
  (file, step) => Deno.writeFileSync(file, new Uint8Array((step + 1) << 16)),
  (file, step) => Deno.chownSync(file, 1000 + step, 1000),
];

async function shell(script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("bash", {
    args: ["-euc", script],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
